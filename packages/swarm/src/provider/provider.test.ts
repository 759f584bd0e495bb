import { describe, expect, test } from 'vitest'
import type { Effect } from '../effects.ts'
import { authorBefore } from '../step.ts'
import { heldTensor, stepAfter } from '../testing/any-step.ts'
import { loneProvider } from '../testing/lone-provider.ts'
import type { Claim, HeldActivation, PeerId, RequestId, Step } from '../wire/messages.ts'
import { RENEWAL_MS_MAX } from './limits.ts'
import type { Provider } from './provider.ts'

const [self, first, next, requester] = ['self', 'first', 'next', 'requester'] as PeerId[] as [
  PeerId,
  PeerId,
  PeerId,
  PeerId,
]
const request = '1'.repeat(32) as RequestId

/** A step after these visits, with somebody named to go on and a tensor of so many bytes. */
function step(peers: readonly PeerId[], next: PeerId | undefined, size = 80): Step {
  const held = heldTensor(peers.at(-1) ?? requester, `after ${peers.length}`)
  return stepAfter(peers, { requester, next, activation: { ...held, size } })
}

const provider = (reached: readonly PeerId[]) => loneProvider(self, reached)

function told(effects: readonly Effect[]) {
  return effects.flatMap((effect) => (effect.do === 'tell' ? [effect] : []))
}

/** Runs its visit of a request, named by `first`, and hands over. */
function handedOver(one: Provider): Effect[] {
  const pull = one.onStep(first, step([first], self), 0).find((effect) => effect.do === 'pull')
  const { job } = pull as Extract<Effect, { do: 'pull' }>
  const bytes = new Uint8Array(80)
  one.visits.onPulled(job, bytes, 10)
  const activation = { dtype: 'float16' as const, shape: [1, 5, 8] as const, bytes }
  one.visits.onLayerRun(job, { activation, ms: 1 }, 20)
  return one.visits.onPrepared(
    job,
    { ...(step([first, self], undefined).activation as HeldActivation) },
    20,
  )
}

const claim: Claim = {
  kind: 'claim',
  request,
  era: 0,
  hop: 3,
  layer: 3,
  ttlMs: 500,
  lost: false,
}

test('the author before is whoever ran the visit before the own last one, whoever came after it', () => {
  const { route } = step([first, self, next], undefined)
  expect(authorBefore({ ...step([], undefined), route }, self)).toBe(first)
  expect(authorBefore({ ...step([], undefined), route }, first)).toBe(requester)
  expect(authorBefore({ ...step([], undefined), route }, requester)).toBe(next)
})

describe('an author without a way to the requester', () => {
  test('passes a sign of life of any later step on to the author before it', () => {
    const one = provider([first, next])
    expect(told(handedOver(one))[0]?.message).toMatchObject({ kind: 'step', next })
    one.onStep(next, step([first, self, next], first), 30)
    for (const hop of [3, 4])
      expect(told(one.onClaim(next, { ...claim, hop }, 40))).toEqual([
        expect.objectContaining({
          message: expect.objectContaining({ hop, ttlMs: 500 }),
          to: [first],
        }),
      ])
  })
})

describe('a visit that waits for its tensor', () => {
  test('is given up as soon as whoever holds it is gone, and that is said', () => {
    const one = provider([first, next, requester])
    one.onStep(first, step([first], self), 0)
    const effects = one.onDisconnected(first, 50)
    expect(effects.some((effect) => effect.do === 'cancel')).toBe(true)
    expect(told(effects)[0]).toMatchObject({ message: { kind: 'claim', ttlMs: 0, lost: true } })
    expect(one.throughput.state().running).toBe(0)
  })

  test('without a way to it says that it cannot, not that the tensor is lost, and asks no second time', () => {
    const one = provider([next, requester])
    const effects = one.onStep(first, step([first], undefined), 0)
    const claimed = effects.length > 0 ? effects : one.onTime(one.wakeAtMs())
    const { job } = claimed.find((effect) => effect.do === 'pull') as Extract<
      Effect,
      { do: 'pull' }
    >
    expect(one.visits.onPulled(job, undefined, 100)).toMatchObject([
      { do: 'publish', message: { kind: 'claim', ttlMs: 0, lost: false } },
    ])
    expect(one.onTime(5_000)).toEqual([])
  })

  test('only to pass it on is said to be at work when the tensor is long on its way', () => {
    const one = provider([first, next, requester])
    const given = step([first, next, first, next], self, 300_000)
    expect(told(one.onStep(next, given, 0))[0]).toMatchObject({
      message: { kind: 'claim', hop: 4 },
      to: [next, requester],
    })
  })
})

test('work that takes longer than it should is renewed no more often than its claims run out', () => {
  const one = provider([first, next, requester])
  const pull = one.onStep(first, step([first], self), 0).find((effect) => effect.do === 'pull')
  one.visits.onPulled((pull as Extract<Effect, { do: 'pull' }>).job, new Uint8Array(80), 10)
  let said = 0
  for (let at = one.wakeAtMs(); at < 10_000; at = one.wakeAtMs())
    said += told(one.onTime(at)).length
  expect(said).toBeGreaterThanOrEqual(10_000 / RENEWAL_MS_MAX - 1)
  expect(said).toBeLessThan(12)
})
