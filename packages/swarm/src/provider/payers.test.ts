import { describe, expect, test } from 'vitest'
import type { Effect } from '../effects.ts'
import { FLIGHTS_MAX, FLIGHTS_PER_NEIGHBOUR_MAX } from '../limits.ts'
import { heldTensor, stepAfter } from '../testing/any-step.ts'
import { loneProvider } from '../testing/lone-provider.ts'
import type { Claim, PeerId, RequestId, Step } from '../wire/messages.ts'
import { UNPAID_MS } from './limits.ts'

const [self, first, next, other] = ['self', 'first', 'next', 'other'] as PeerId[] as [
  PeerId,
  PeerId,
  PeerId,
  PeerId,
]

let requests = 0
/** A step of a request that nobody has heard of, by a requester of its own. */
function fresh(by: PeerId, given: Partial<Step> = {}): Step {
  const request = (++requests).toString(16).padStart(32, '0') as RequestId
  const requester = `requester ${requests}` as PeerId
  return stepAfter([by], { requester, request, ...given })
}

const does = (effects: readonly Effect[]) => effects.map((effect) => effect.do)

describe('a neighbour that hands over requests of others', () => {
  test('has half of the slots for tensors that do not come, and the rest is for others', () => {
    const one = loneProvider(self, [first, other])
    const pulls = Array.from({ length: 8 }, () =>
      does(one.onStep(first, fresh(first, { next: self }), 0)).includes('pull'),
    )
    expect(pulls.filter(Boolean)).toHaveLength(4)
    expect(does(one.onStep(other, fresh(other, { next: self }), 0))).toContain('pull')
  })

  test('makes room for others when all is full, but not where work is under way', () => {
    const one = loneProvider(self, [first, other], {}, [3])
    const payers = Array.from({ length: 4 }, (_, i) => `payer ${i}` as PeerId)
    one.onStep(first, fresh(first, { next: self }), 0, payers[0])
    for (const payer of payers)
      for (let i = 0; i < FLIGHTS_PER_NEIGHBOUR_MAX; i++)
        one.onStep(first, fresh(first, { next: other }), 1, payer)
    expect(one.followed).toBe(FLIGHTS_MAX)
    one.onStep(other, fresh(other, { next }), 2, other)
    expect(one.followed).toBe(FLIGHTS_MAX)
    expect(one.isAtWork).toBe(true)
  })

  test('takes along what nobody works on when it goes', () => {
    const one = loneProvider(self, [first, other], {}, [3])
    one.onStep(first, fresh(first, { next }), 0)
    one.onStep(other, fresh(other, { next }), 0)
    one.onStep(first, fresh(first, { next: self }), 0, other)
    one.onDisconnected(other, 10)
    expect(one.followed).toBe(2)
  })
})

test('a request whose payer is out of reach is not followed for as long as it says', () => {
  const one = loneProvider(self, [first], {}, [3])
  one.onStep(other, fresh(other, { next, remainingMs: 600_000 }), 0)
  one.onStep(first, fresh(first, { next, remainingMs: 600_000 }), 0)
  one.onTime(UNPAID_MS - 1)
  expect(one.followed).toBe(2)
  one.onTime(UNPAID_MS)
  expect(one.followed).toBe(1)
})

test('nor is one that was worked on when its payer went', () => {
  const one = loneProvider(self, [first, other], {}, [3])
  one.onStep(first, fresh(first, { next: self, remainingMs: 600_000 }), 0, other)
  one.onDisconnected(other, 10)
  one.onTime(10 + UNPAID_MS - 1)
  expect(one.followed).toBe(1)
  one.onTime(10 + UNPAID_MS)
  expect(one.followed).toBe(0)
})

describe('what is said of others', () => {
  const requester = 'requester' as PeerId
  /** Whether a step that this provider makes names somebody whom `by` found silent. */
  const passesOn = (by: PeerId, learn: (one: ReturnType<typeof loneProvider>) => void) => {
    const one = loneProvider(self, [first, next, requester])
    learn(one)
    const step = stepAfter([by], { requester, next: self, silent: [other] })
    const pull = one.onStep(by, step, 100).find((effect) => effect.do === 'pull')
    if (pull?.do !== 'pull') throw new Error('nothing is pulled')
    const bytes = new Uint8Array(80)
    one.visits.onPulled(pull.job, bytes, 110)
    const activation = { dtype: 'float16', shape: [1, 5, 8], bytes } as const
    one.visits.onLayerRun(pull.job, { activation, ms: 1 }, 120)
    const effects = one.visits.onPrepared(pull.job, heldTensor(self, 'made'), 120)
    const told = effects.find((effect) => effect.do === 'tell')
    if (told?.do !== 'tell' || told.message.kind !== 'step') throw new Error('nothing is told')
    return told.message.silent.includes(other)
  }

  test('by a stranger is not believed, by somebody who has delivered it is', () => {
    expect(passesOn(first, () => undefined)).toBe(false)
    const delivers = (one: ReturnType<typeof loneProvider>) => {
      const request = '9'.repeat(32) as RequestId
      one.onStep(requester, stepAfter([], { requester, request, next: first }), 0)
      one.onStep(first, stepAfter([first], { requester, request, next }), 10)
    }
    expect(passesOn(first, delivers)).toBe(true)
  })
})

test('whoever calls a tensor lost that this member still has is distrusted', () => {
  const one = loneProvider(self, [first, next, other])
  const requester = 'requester' as PeerId
  const hand = (request: RequestId, nowMs: number): PeerId | undefined => {
    const pull = one
      .onStep(first, stepAfter([first], { requester, request, next: self }), nowMs)
      .find((effect) => effect.do === 'pull')
    if (pull?.do !== 'pull') throw new Error('nothing is pulled')
    const bytes = new Uint8Array(80)
    one.visits.onPulled(pull.job, bytes, nowMs)
    const activation = { dtype: 'float16', shape: [1, 5, 8], bytes } as const
    one.visits.onLayerRun(pull.job, { activation, ms: 1 }, nowMs)
    return namedIn(one.visits.onPrepared(pull.job, heldTensor(self, request), nowMs))
  }
  const request = '1'.repeat(32) as RequestId
  const liar = hand(request, 0) as PeerId
  const claim: Claim = { kind: 'claim', request, era: 0, hop: 2, layer: 2, ttlMs: 0, lost: true }
  expect(namedIn(one.onClaim(liar, claim, 10))).not.toBe(liar)
  const named = ['2', '3', '4', '5', '6'].map((digit) => hand(digit.repeat(32) as RequestId, 20))
  expect(named).not.toContain(liar)
})

function namedIn(effects: readonly Effect[]): PeerId | undefined {
  const told = effects.find((effect) => effect.do === 'tell')
  return told?.do === 'tell' && told.message.kind === 'step' ? told.message.next : undefined
}
