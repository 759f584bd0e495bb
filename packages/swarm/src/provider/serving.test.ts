import { describe, expect, test } from 'vitest'
import type { Effect } from '../effects.ts'
import { heldTensor, stepAfter } from '../testing/any-step.ts'
import { loneProvider } from '../testing/lone-provider.ts'
import type { Claim, PeerId, RequestId, Step } from '../wire/messages.ts'
import type { Provider } from './provider.ts'

const self = 'self' as PeerId
const first = 'first' as PeerId
const next = 'next' as PeerId
const requester = 'requester' as PeerId

const bytes = new Uint8Array(80)
const requestOf = (digit: string) => digit.repeat(32) as RequestId
const named = (digit: string, size = 80): Step =>
  stepAfter([first], {
    requester,
    request: requestOf(digit),
    next: self,
    activation: { ...heldTensor(first, `of ${digit}`), size },
  })
const unnamed = (digit: string): Step => ({ ...named(digit), next: undefined })

const lone = () => loneProvider(self, [first, next, requester])
const does = (effects: readonly Effect[]) => effects.map((effect) => effect.do)
const pullOf = (effects: readonly Effect[]) =>
  effects.find((effect) => effect.do === 'pull') as Extract<Effect, { do: 'pull' }>

/** A provider that has measured one layer, in so many milliseconds. */
function measured(ms: number): Provider {
  const one = lone()
  const { job } = pullOf(one.onStep(first, named('1'), 0))
  one.visits.onPulled(job, bytes, 0)
  const activation = { dtype: 'float16' as const, shape: [1, 5, 8] as const, bytes }
  one.visits.onLayerRun(job, { activation, ms }, ms)
  one.visits.onPrepared(job, heldTensor(self, 'made'), ms)
  one.onDone(requester, { kind: 'done', request: requestOf('1'), isPublic: false }, ms)
  return one
}

/** Takes a step that nobody is named for, now or when its turn comes. */
function taken(one: Provider, step: Step, nowMs: number): Effect[] {
  const effects = one.onStep(first, step, nowMs)
  return effects.length > 0 ? effects : one.onTime(one.wakeAtMs())
}

describe('work that is done sooner than a claim crosses the lane', () => {
  test('is claimed in words by nobody, whoever is named', () => {
    expect(does(lone().onStep(first, named('2'), 0))).toEqual(['pull'])
    expect(does(taken(lone(), unnamed('2'), 0))).toEqual(['pull'])
  })
})

describe('long work', () => {
  test('is said to be at hand when it is taken and when it begins, to those who wait for it', () => {
    const one = measured(2_000)
    const effects = one.onStep(first, named('2'), 2_000)
    expect(does(effects)).toEqual(['tell', 'pull'])
    const begun = one.visits.onPulled(pullOf(effects).job, bytes, 2_010)
    expect(does(begun)).toEqual(['tell', 'run-layer'])
    expect(begun[0]).toMatchObject({ message: { kind: 'claim' }, to: [first, requester] })
  })

  test('that nobody was named for is claimed before the lane', () => {
    expect(does(taken(measured(2_000), unnamed('2'), 2_000))).toEqual(['publish', 'pull'])
  })

  test('is claimed for longer when other tensors are on their way here first', () => {
    const one = lone()
    const ttlMs = ['2', '3'].map((digit) => {
      const [said] = one.onStep(first, named(digit, 300_000), 0)
      return ((said as Extract<Effect, { do: 'tell' }>).message as Claim).ttlMs
    })
    expect(ttlMs[1]).toBeGreaterThan((ttlMs[0] as number) + 1_000)
  })
})

test('layers of a plan that follow one another are one visit', () => {
  const one = loneProvider(self, [first, next, requester], {}, [0, 1, 3])
  const { job } = pullOf(one.onStep(first, { ...named('1'), plan: [0, 1, 3, 2] }, 0))
  const activation = { dtype: 'float16' as const, shape: [1, 5, 8] as const, bytes }
  const runs = [
    ...one.visits.onPulled(job, bytes, 0),
    ...one.visits.onLayerRun(job, { activation, ms: 1 }, 1),
    ...one.visits.onLayerRun(job, { activation, ms: 1 }, 2),
  ]
  expect(runs).toMatchObject([
    { do: 'run-layer', layer: 1, hop: 1 },
    { do: 'run-layer', layer: 3, hop: 2 },
    { do: 'prepare' },
  ])
})

test('a first step is its requester’s to say: named to pass it on a provider declines', () => {
  const step = { ...stepAfter([], { requester, plan: [0, 1, 2, 3] }), next: self }
  expect(lone().onStep(requester, step, 0)).toMatchObject([
    { do: 'tell', message: { kind: 'claim', hop: 0, ttlMs: 0 }, to: [requester] },
  ])
})

test('what it takes it holds a claim on: of two proven claimers one goes on, this provider or the other', () => {
  const outcomes = ['2', '3', '4', '5', '6', '7', '8', '9'].map((digit) => {
    const one = lone()
    one.onStep(first, unnamed('1'), 0)
    one.onStep(next, stepAfter([first, next], { requester, request: requestOf('1') }), 1)
    taken(one, unnamed(digit), 2)
    const claim: Claim = {
      kind: 'claim',
      request: requestOf(digit),
      era: 0,
      hop: 1,
      layer: 1,
      ttlMs: 500,
      lost: false,
    }
    return does(one.onClaim(next, claim, 50)).includes('cancel')
  })
  expect(new Set(outcomes)).toEqual(new Set([true, false]))
})
