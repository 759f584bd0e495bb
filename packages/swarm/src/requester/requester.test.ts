import { describe, expect, test } from 'vitest'
import type { CoreEffect } from '../effects.ts'
import { Jobs } from '../jobs.ts'
import { NO_HOST_GRACE_MS, PRESENCE_INTERVAL_MS_MAX, STALL_MS_MAX } from '../limits.ts'
import { PeerTable } from '../presence/peer-table.ts'
import { CLASSIFY_POLICY_DEFAULT } from '../request.ts'
import { chainOf } from '../testing/any-chain.ts'
import { anyPresence } from '../testing/any-presence.ts'
import type { HeldActivation, PeerId, RequestId, Step, TensorHash } from '../wire/messages.ts'
import { BELIEF_FACTOR, HELD_UP_SHARE, LATE_TOLD_MAX, NAMED_STALL_MS } from './limits.ts'
import { Requester } from './requester.ts'

const self = 'self' as PeerId
const most = 'hosts all but one' as PeerId
const only = 'hosts that one' as PeerId
const release = 'r'
const request = '1'.repeat(32) as RequestId
const shape = { layers: 4, tokens: 5, width: 8 }
const activation: HeldActivation = {
  place: 'held',
  dtype: 'float16',
  batch: 1,
  tokens: 5,
  width: 8,
  size: 80,
  holder: most,
  hash: 'h' as TensorHash,
}

/** The requester's own tensor. */
const stem = { ...activation, holder: self, hash: 's' as TensorHash }

/** The request after `most` ran what it hosts; layer 2 is open. */
function withoutLayerTwo(next: PeerId | undefined): Step {
  const route = [0, 1, 3].map((layer) => ({
    layer,
    peer: most,
    backend: 'reference' as const,
    ms: 1,
  }))
  return {
    kind: 'step',
    request,
    requester: self,
    endsAtMs: 20_000,
    era: 0,
    route,
    chain: chainOf(route, { isOpen: next === undefined }),
    plan: [],
    activation,
    input: undefined,
    next,
    silent: [],
    barred: [],
    isPrivate: false,
    remainingMs: 20_000,
  }
}

/** Somebody is at work on it. */
const claim = { kind: 'claim', request, era: 0, hop: 3, layer: 2, ttlMs: 0, lost: false } as const

/** Whether the requester asks somebody to choose again, or begins anew itself. */
function isRescued(effects: readonly CoreEffect[]): boolean {
  return effects.some((effect) => effect.do === 'lead' || effect.do === 'ask-again')
}

/** A requester that entered the lane at 0 and knows `most`; asked at `askedAtMs`, moved on at once. */
function asked(askedAtMs: number, next: PeerId | undefined) {
  const table = new PeerTable(release)
  table.hear(most, anyPresence({ release, layers: [0, 1, 3] }), 0)
  const requester = new Requester({ self, shape, hosted: new Set() }, table, new Jobs(), 0)
  requester.open(request, CLASSIFY_POLICY_DEFAULT, askedAtMs)
  requester.begin(request, stem, askedAtMs)
  requester.onStep(most, withoutLayerTwo(next), askedAtMs)
  /** Whether it answers from what it has by then: the head is run, or its input fetched. */
  const closesBy = (nowMs: number) =>
    requester.onTime(nowMs).some((effect) => effect.do === 'pull' || effect.do === 'run-head')
  return { requester, table, closesBy }
}

describe('a layer without a known host', () => {
  test('is given up after the grace where everybody in the lane has been heard', () => {
    const { closesBy } = asked(PRESENCE_INTERVAL_MS_MAX, undefined)
    expect(closesBy(PRESENCE_INTERVAL_MS_MAX + NO_HOST_GRACE_MS - 1)).toBe(false)
    expect(closesBy(PRESENCE_INTERVAL_MS_MAX + NO_HOST_GRACE_MS)).toBe(true)
  })

  test('is waited for by a newcomer until everybody has announced itself', () => {
    const { closesBy } = asked(100, undefined)
    expect(closesBy(100 + NO_HOST_GRACE_MS)).toBe(false)
    expect(closesBy(PRESENCE_INTERVAL_MS_MAX)).toBe(false)
    expect(closesBy(PRESENCE_INTERVAL_MS_MAX + NO_HOST_GRACE_MS)).toBe(true)
  })

  test('is not missing once its host announces itself', () => {
    const { requester, table, closesBy } = asked(100, undefined)
    const heardAtMs = PRESENCE_INTERVAL_MS_MAX - 1
    table.hear(only, anyPresence({ release, layers: [2] }), heardAtMs)
    requester.onCoverage(heardAtMs)
    expect(closesBy(PRESENCE_INTERVAL_MS_MAX + NO_HOST_GRACE_MS)).toBe(false)
  })

  test('is not missing while an author names somebody for it, who is at work', () => {
    const { requester, closesBy } = asked(PRESENCE_INTERVAL_MS_MAX, only)
    requester.onClaim(only, { ...claim, ttlMs: 2 * NO_HOST_GRACE_MS }, PRESENCE_INTERVAL_MS_MAX)
    const atMs = PRESENCE_INTERVAL_MS_MAX + NO_HOST_GRACE_MS
    expect(closesBy(atMs)).toBe(false)
    requester.onStep(most, withoutLayerTwo(undefined), atMs)
    expect(closesBy(atMs + NO_HOST_GRACE_MS)).toBe(true)
  })
})

describe('somebody who is at work on the newest step', () => {
  test('is waited for no longer than a few times what it said at first, however often it says so', () => {
    const { requester } = asked(PRESENCE_INTERVAL_MS_MAX, only)
    let rescuedAtMs: number | undefined
    for (let ms = 0; ms < 10_000 && rescuedAtMs === undefined; ms += 100) {
      const nowMs = PRESENCE_INTERVAL_MS_MAX + ms
      requester.onClaim(only, { ...claim, ttlMs: 1_000 + ms }, nowMs)
      const effects = requester.onTime(nowMs)
      if (effects.some((effect) => effect.do === 'lead' || effect.do === 'tell')) rescuedAtMs = ms
    }
    // Its author, who waits for it too, acts first.
    expect(rescuedAtMs).toBe(BELIEF_FACTOR * 1_000 + NAMED_STALL_MS)
  })

  test('is waited for as long when it is heard of before the step', () => {
    const table = new PeerTable(release)
    table.hear(most, anyPresence({ release, layers: [0, 1, 2, 3] }), 0)
    const requester = new Requester({ self, shape, hosted: new Set() }, table, new Jobs(), 0)
    requester.open(request, CLASSIFY_POLICY_DEFAULT, 0)
    requester.begin(request, stem, 0)
    requester.onClaim(only, { ...claim, ttlMs: 2_000 }, 0)
    requester.onStep(most, withoutLayerTwo(only), 100)
    expect(isRescued(requester.onTime(1_999))).toBe(false)
    expect(isRescued(requester.onTime(2_000))).toBe(true)
  })
})

describe('one step', () => {
  const startMs = PRESENCE_INTERVAL_MS_MAX
  /** When the requester steps in, though somebody speaks every 300 ms; undefined for not within its deadline. */
  function rescueAtMs(speak: (requester: Requester, i: number, nowMs: number) => void) {
    const { requester } = asked(startMs, only)
    for (let i = 0; i < 100; i++) {
      const nowMs = startMs + 300 * i
      speak(requester, i, nowMs)
      if (isRescued(requester.onTime(nowMs))) return nowMs - startMs
    }
    return undefined
  }
  const mostMs = HELD_UP_SHARE * CLASSIFY_POLICY_DEFAULT.deadlineMs + NAMED_STALL_MS + 300

  test('takes no more than its share of the time, however often its author names another', () => {
    const ms = rescueAtMs((requester, i, nowMs) => {
      requester.onStep(most, withoutLayerTwo(`ghost ${i}` as PeerId), nowMs)
    })
    expect(ms).toBeGreaterThan(NAMED_STALL_MS + 300)
    expect(ms).toBeLessThanOrEqual(mostMs)
  })

  test('takes no more than that by claims on ever further hops either', () => {
    const ms = rescueAtMs((requester, i, nowMs) => {
      requester.onClaim(only, { ...claim, hop: 4 + i, ttlMs: 30_000 }, nowMs)
    })
    expect(ms).toBeLessThanOrEqual(mostMs)
  })

  test('is given another name by its author and whoever was named, and by nobody else', () => {
    const stranger = 'neither ran it nor was named' as PeerId
    const ms = rescueAtMs((requester, i, nowMs) => {
      requester.onStep(stranger, withoutLayerTwo(`ghost ${i}` as PeerId), nowMs)
    })
    expect(ms).toBeLessThanOrEqual(NAMED_STALL_MS + 300)
  })
})

describe('somebody who is at work on a step that the requester has not heard of', () => {
  test('is a sign of life all the same, and each such step is work of its own', () => {
    const { requester } = asked(PRESENCE_INTERVAL_MS_MAX, only)
    let nowMs = PRESENCE_INTERVAL_MS_MAX
    for (let hop = 4; hop < 8; hop++) {
      for (let i = 0; i < 3; i++, nowMs += 600) {
        requester.onClaim(most, { ...claim, hop, ttlMs: 650 }, nowMs)
        expect(isRescued(requester.onTime(nowMs))).toBe(false)
      }
    }
    expect(isRescued(requester.onTime(nowMs + STALL_MS_MAX))).toBe(true)
  })
})

describe('two who went on from one step', () => {
  const route = withoutLayerTwo(undefined).route.map((hop) => ({ ...hop, peer: only }))

  test('are told of by the requester to whoever is behind, who hears of the end too', () => {
    const { requester } = asked(0, undefined)
    const behind = { ...withoutLayerTwo(most), route: route.slice(0, 2) }
    expect(requester.onStep(most, behind, 10)).toMatchObject([
      { do: 'tell', message: { kind: 'step', route: [{}, {}, {}] }, to: [only, most] },
    ])
    expect(requester.cancel(request, 10)).toContainEqual({
      do: 'tell',
      message: { kind: 'done', request, isPublic: false },
      to: [only, most],
    })
  })

  test('of an older era give the answer when all layers are applied, and nothing before', () => {
    const { requester } = asked(0, most)
    expect(isRescued(requester.onTime(STALL_MS_MAX))).toBe(true)
    const all = [...route, { ...route[0], layer: 2 } as (typeof route)[number]]
    const output = { ...activation, hash: 'last' as TensorHash }
    const nowMs = STALL_MS_MAX + 10
    expect(requester.onStep(most, { ...withoutLayerTwo(most), route }, nowMs)).toEqual([])
    const effects = requester.onStep(
      most,
      { ...withoutLayerTwo(self), route: all, activation: output },
      nowMs,
    )
    expect(effects).toContainEqual(expect.objectContaining({ do: 'pull', tensor: output }))
  })
})

describe('a tensor that whoever would go on has no way to', () => {
  const declined = { ...claim, ttlMs: 0 }

  test('is fetched, and offered from here while nobody is named', () => {
    const { requester } = asked(0, undefined)
    const [pull] = requester.onClaim(only, declined, 10)
    expect(pull).toMatchObject({ do: 'pull', tensor: activation })
    const { job } = pull as Extract<typeof pull, { do: 'pull' }>
    requester.onPulled(job, new Uint8Array(80), 20)
    const here = { ...activation, holder: self }
    expect(requester.onPrepared(job, here, 30)).toMatchObject([
      { do: 'publish', message: { activation: here } },
    ])
  })

  test('is not offered once its author has named somebody, nor fetched from one who did', () => {
    const { requester } = asked(0, undefined)
    const [pull] = requester.onClaim(only, declined, 10)
    const { job } = pull as Extract<typeof pull, { do: 'pull' }>
    requester.onPulled(job, new Uint8Array(80), 20)
    requester.onStep(most, withoutLayerTwo(only), 25)
    expect(requester.onPrepared(job, { ...activation, holder: self }, 30)).toMatchObject([
      { do: 'withdraw' },
    ])
    const named = asked(0, only).requester
    expect(named.onClaim(only, declined, 10)).toEqual([])
  })

  test('is fetched when a request goes back that was left to whoever answers first, and only then', () => {
    for (const [next, fetches] of [
      [undefined, 1],
      [only, 0],
    ] as const) {
      const { route } = withoutLayerTwo(most)
      const last = [...route, { ...route[0], layer: 2, peer: only } as (typeof route)[number]]
      const four = { ...shape, layers: 5 }
      const longer = new Requester(
        { self, shape: four, hosted: new Set() },
        new PeerTable(release),
        new Jobs(),
        0,
      )
      longer.open(request, CLASSIFY_POLICY_DEFAULT, 0)
      longer.begin(request, stem, 0)
      longer.onStep(most, withoutLayerTwo(only), 10)
      const output = { ...activation, hash: 'last' as TensorHash }
      longer.onStep(most, { ...withoutLayerTwo(next), route: last, activation: output }, 20)
      const effects = longer.onClaim(only, { ...claim, hop: 4, lost: true }, 30)
      expect(isRescued(effects)).toBe(true)
      expect(effects.filter((effect) => effect.do === 'pull')).toHaveLength(fetches)
    }
  })

  test('is lost when it cannot be had from here either', () => {
    const { requester } = asked(0, undefined)
    const [pull] = requester.onClaim(only, declined, 10)
    const { job } = pull as Extract<typeof pull, { do: 'pull' }>
    expect(isRescued(requester.onPulled(job, undefined, 20))).toBe(true)
  })
})

describe('a tensor that is lost with its holder', () => {
  const lost = { ...claim, lost: true }
  const visits = [
    [0, 'a'],
    [1, 'b'],
    [2, 'c'],
  ] as const
  const stepAfter = (count: number, next: PeerId): Step => ({
    ...withoutLayerTwo(next),
    route: visits.slice(0, count).map(([layer, peer]) => ({
      layer,
      peer: peer as PeerId,
      backend: 'reference' as const,
      ms: 1,
    })),
    activation: {
      ...activation,
      holder: visits[count - 1]?.[1] as PeerId,
      hash: `after ${count}` as TensorHash,
    },
  })
  /** A request that was heard of up to its second visit, by `b`, who named `c`. */
  function heard() {
    const requester = new Requester(
      { self, shape, hosted: new Set() },
      new PeerTable(release),
      new Jobs(),
      0,
    )
    requester.open(request, CLASSIFY_POLICY_DEFAULT, 0)
    requester.begin(request, stem, 0)
    requester.onStep('a' as PeerId, stepAfter(1, 'b' as PeerId), 10)
    requester.onStep('b' as PeerId, stepAfter(2, 'c' as PeerId), 20)
    return requester
  }

  test('sends a request back to the author before, and it is the holder that is suspect', () => {
    expect(heard().onClaim('c' as PeerId, { ...lost, hop: 2 }, 30)).toMatchObject([
      { do: 'ask-again', step: { era: 1, route: [{}] }, suspect: 'b', to: 'a' },
    ])
  })

  test('is lost by the word of whoever was to go on, or of who ran a layer, and of nobody else', () => {
    expect(heard().onClaim('d' as PeerId, { ...lost, hop: 2 }, 30)).toEqual([])
    expect(isRescued(heard().onClaim('a' as PeerId, { ...lost, hop: 2 }, 30))).toBe(true)
    expect(heard().onClaim('d' as PeerId, { ...lost, hop: 3 }, 30)).toEqual([])
    expect(heard().onClaim('c' as PeerId, { ...lost, hop: 2, era: 1 }, 30)).toEqual([])
  })

  test('of a later step than was heard of has the author of the newest choose again, who has its own', () => {
    expect(heard().onClaim('b' as PeerId, { ...lost, hop: 3 }, 30)).toMatchObject([
      { do: 'ask-again', step: { era: 1, route: [{}, {}] }, suspect: undefined, to: 'b' },
    ])
  })

  test('after the last layer is one that the requester misses itself', () => {
    const requester = heard()
    const route = [...stepAfter(3, self).route, { ...stepAfter(1, self).route[0], layer: 3 }]
    const last = { ...stepAfter(3, self), route: route as Step['route'] }
    const pull = requester.onStep('a' as PeerId, last, 40).find((effect) => effect.do === 'pull')
    const { job } = pull as Extract<typeof pull, { do: 'pull' }>
    expect(requester.onPulled(job, undefined, 50)).toMatchObject([
      { do: 'ask-again', step: { era: 1, route: [{}, {}] }, suspect: 'c', to: 'b' },
    ])
  })
})

test('whoever still speaks of a request that has ended is told so, once each, and so many at most', () => {
  const { requester } = asked(0, undefined)
  expect(requester.onLate(most, request)).toEqual([])
  requester.cancel(request, 10)
  expect(requester.onLate(most, request)).toMatchObject([
    { do: 'tell', to: [most], message: { kind: 'done', request } },
  ])
  expect(requester.onLate(most, request)).toEqual([])
  const told = Array.from({ length: 10 * LATE_TOLD_MAX }, (_, i) =>
    requester.onLate(`flooder ${i}` as PeerId, request),
  )
  expect(told.filter(({ length }) => length > 0)).toHaveLength(LATE_TOLD_MAX - 1)
  expect(requester.onLate(self, request)).toEqual([])
})
