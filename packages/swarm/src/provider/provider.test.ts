import { describe, expect, test } from 'vitest'
import { directHandOver } from '../claims/direct.ts'
import type { Effect } from '../effects.ts'
import { Jobs } from '../jobs.ts'
import { neighbourOf } from '../presence/near.ts'
import { Neighbourhood } from '../presence/neighbourhood.ts'
import { PeerTable } from '../presence/peer-table.ts'
import { anyPresence } from '../testing/any-presence.ts'
import type {
  Claim,
  HeldActivation,
  PeerId,
  RequestId,
  Step,
  TensorHash,
} from '../wire/messages.ts'
import { authorBefore } from './author.ts'
import { RENEWAL_MS_MAX } from './limits.ts'
import { Provider } from './provider.ts'

const [self, first, next, requester] = ['self', 'first', 'next', 'requester'] as PeerId[] as [
  PeerId,
  PeerId,
  PeerId,
  PeerId,
]
const request = '1'.repeat(32) as RequestId
const shape = { layers: 4, tokens: 5, width: 8 }

/** A step after these visits, each of one layer, with its tensor at whoever ran the last. */
function step(peers: readonly PeerId[], named: PeerId | undefined, size = 80): Step {
  const activation: HeldActivation = {
    place: 'held',
    dtype: 'float16',
    batch: 1,
    tokens: 5,
    width: 8,
    size,
    holder: peers.at(-1) ?? requester,
    hash: `after ${peers.length}` as TensorHash,
  }
  return {
    kind: 'step',
    request,
    requester,
    era: 0,
    route: peers.map((peer, layer) => ({ layer, peer, backend: 'reference' as const, ms: 1 })),
    plan: [],
    activation,
    input: undefined,
    next: named,
    remainingMs: 20_000,
  }
}

/** A provider of layer 1 that reaches these and knows them as hosts of layers 2 and 3. */
function provider(reached: readonly PeerId[]) {
  const table = new PeerTable('')
  const own = { reaches: (peer: PeerId) => reached.includes(peer), rttMs: () => 20 }
  const neighbourhood = new Neighbourhood(self, {
    reaches: own.reaches,
    rttMs: (peer) => (own.reaches(peer) ? 20 : undefined),
  })
  for (const peer of reached) {
    const presence = anyPresence({ layers: [2, 3], near: [neighbourOf(self, 20, true)] })
    table.hear(peer, presence, 0)
    neighbourhood.hear(peer, presence)
  }
  return new Provider(
    {
      self,
      shape,
      backend: 'reference',
      policy: directHandOver('few'),
      slots: 8,
      timeShare: 1,
      staggerMs: 40,
      accessSpeed: () => ({ upload: undefined, download: undefined }),
    },
    table,
    neighbourhood,
    new Set([1]),
    new Jobs().of('provider'),
  )
}

function told(effects: readonly Effect[]) {
  return effects.flatMap((effect) => (effect.do === 'tell' ? [effect] : []))
}

/** Runs its visit of a request, named by `first`, and hands over. */
function handedOver(one: Provider): Effect[] {
  const pull = one.onStep(first, step([first], self), 0).find((effect) => effect.do === 'pull')
  const { job } = pull as Extract<Effect, { do: 'pull' }>
  const bytes = new Uint8Array(80)
  one.onPulled(job, bytes, 10)
  const activation = { dtype: 'float16' as const, shape: [1, 5, 8] as const, bytes }
  one.onLayerRun(job, { activation, ms: 1 }, 20)
  return one.onPrepared(
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
    expect(one.onPulled(job, undefined, 100)).toMatchObject([
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
  one.onPulled((pull as Extract<Effect, { do: 'pull' }>).job, new Uint8Array(80), 10)
  let said = 0
  for (let at = one.wakeAtMs(); at < 10_000; at = one.wakeAtMs())
    said += told(one.onTime(at)).length
  expect(said).toBeGreaterThanOrEqual(10_000 / RENEWAL_MS_MAX - 1)
  expect(said).toBeLessThan(12)
})
