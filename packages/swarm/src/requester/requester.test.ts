import { describe, expect, test } from 'vitest'
import { Jobs } from '../jobs.ts'
import { NO_HOST_GRACE_MS, PRESENCE_INTERVAL_MS_MAX } from '../limits.ts'
import { PeerTable } from '../presence/peer-table.ts'
import { CLASSIFY_POLICY_DEFAULT } from '../request.ts'
import { anyPresence } from '../testing/any-presence.ts'
import type { HeldActivation, PeerId, RequestId, Step, TensorHash } from '../wire/messages.ts'
import { BELIEF_FACTOR } from './limits.ts'
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
    era: 0,
    route,
    plan: [],
    activation,
    input: undefined,
    next,
    remainingMs: 20_000,
  }
}

/** A requester that entered the lane at 0 and knows `most`; asked at `askedAtMs`, moved on at once. */
function asked(askedAtMs: number, next: PeerId | undefined) {
  const table = new PeerTable(release)
  table.hear(most, anyPresence({ release, layers: [0, 1, 3] }), 0)
  const requester = new Requester({ self, shape }, table, new Jobs(), 0)
  const stem = { ...activation, holder: self, hash: 's' as TensorHash }
  requester.classify(request, stem, CLASSIFY_POLICY_DEFAULT, askedAtMs)
  requester.onStep(withoutLayerTwo(next), askedAtMs)
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
    const claim = { kind: 'claim', request, era: 0, hop: 3, layer: 2, lost: false } as const
    requester.onClaim(only, { ...claim, ttlMs: 2 * NO_HOST_GRACE_MS }, PRESENCE_INTERVAL_MS_MAX)
    const atMs = PRESENCE_INTERVAL_MS_MAX + NO_HOST_GRACE_MS
    expect(closesBy(atMs)).toBe(false)
    requester.onStep(withoutLayerTwo(undefined), atMs)
    expect(closesBy(atMs + NO_HOST_GRACE_MS)).toBe(true)
  })
})

describe('somebody who is at work on the newest step', () => {
  test('is waited for no longer than a few times what it said at first, however often it says so', () => {
    const { requester } = asked(PRESENCE_INTERVAL_MS_MAX, only)
    const claim = { kind: 'claim', request, era: 0, hop: 3, layer: 2, lost: false } as const
    let rescuedAtMs: number | undefined
    for (let ms = 0; ms < 10_000 && rescuedAtMs === undefined; ms += 100) {
      const nowMs = PRESENCE_INTERVAL_MS_MAX + ms
      requester.onClaim(only, { ...claim, ttlMs: 1_000 + ms }, nowMs)
      const effects = requester.onTime(nowMs)
      if (effects.some((effect) => effect.do === 'lead' || effect.do === 'tell')) rescuedAtMs = ms
    }
    expect(rescuedAtMs).toBe(BELIEF_FACTOR * 1_000)
  })
})
