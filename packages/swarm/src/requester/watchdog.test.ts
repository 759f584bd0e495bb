import { describe, expect, test } from 'vitest'
import type { CoreEffect } from '../effects.ts'
import { Jobs } from '../jobs.ts'
import { NO_HOST_GRACE_MS, PRESENCE_INTERVAL_MS_MAX, STALL_MS_MAX } from '../limits.ts'
import { PeerTable } from '../presence/peer-table.ts'
import { CLASSIFY_POLICY_DEFAULT, type ClassifyPolicy } from '../request.ts'
import { anyPresence } from '../testing/any-presence.ts'
import { anyStep, heldTensor, hopsBy } from '../testing/any-step.ts'
import type { PeerId, RequestId, Step } from '../wire/messages.ts'
import { NAMED_STALL_MS, RESCUES_MAX, STARVED_STALLS } from './limits.ts'
import { Requester } from './requester.ts'

const self = 'requester' as PeerId
const first = 'first' as PeerId
const second = 'second' as PeerId
const shape = { layers: 6, tokens: 5, width: 8 }
const { request } = anyStep()
const stem = heldTensor(self)

/** @param hosted by the one peer that it knows. */
function asked(policy: Partial<ClassifyPolicy> = {}, hosted = [0, 1, 2, 3, 4, 5]) {
  const table = new PeerTable('')
  table.hear(first, anyPresence({ layers: hosted }), 0)
  const requester = new Requester({ self, shape, hosted: new Set() }, table, new Jobs(), 0)
  requester.open(request, { ...CLASSIFY_POLICY_DEFAULT, ...policy }, 0)
  requester.begin(request, stem, 0)
  return requester
}

const step = (by: PeerId, hops: number, next?: PeerId, era = 0): Step =>
  anyStep({ route: hopsBy(by, hops), next, era, activation: heldTensor(by, `${by}${hops}`) })

const hopsOf = (...peers: PeerId[]) =>
  peers.map((peer, layer) => ({ layer, peer, backend: 'reference' as const, ms: 1 }))

const kinds = (effects: readonly CoreEffect[]): string[] =>
  effects.map((effect) => (effect.do === 'tell' ? effect.message.kind : effect.do))

describe('a request that stands still', () => {
  test('goes back to the author of the step before, who is asked to choose somebody else', () => {
    const requester = asked()
    requester.onStep(first, step(first, 1, second), 10)
    requester.onStep(first, step(first, 3, second), 20)
    const effects = requester.onTime(20 + STALL_MS_MAX)
    expect(effects).toMatchObject([
      { do: 'ask-again', step: { era: 1, route: [{}], next: first }, suspect: second, to: first },
    ])
    expect(effects).toMatchObject([{ step: { chain: [{ hop: 1, isOpen: false }] } }])
  })

  test('is led anew by its own member, the author of the first step', () => {
    const requester = asked()
    requester.onStep(first, step(first, 1, second), 10)
    expect(requester.onTime(10 + STALL_MS_MAX)).toMatchObject([
      { do: 'lead', step: { route: [], era: 1, next: undefined }, suspect: second },
    ])
  })

  test('is led anew by its own member too where that ran the step before', () => {
    const requester = asked()
    requester.onStep(self, step(self, 1, second), 10)
    requester.onStep(second, { ...step(self, 3, first), route: hopsOf(self, second, second) }, 20)
    expect(requester.onTime(20 + STALL_MS_MAX)).toMatchObject([
      { do: 'lead', step: { era: 1, route: [{ peer: self }] }, suspect: first },
    ])
  })

  test('is offered from its first step after a few authors, and then nobody is suspected', () => {
    const requester = asked()
    for (let hops = 1; hops <= RESCUES_MAX + 2; hops++)
      requester.onStep(first, step(first, hops, second), 10 * hops)
    const suspects = Array.from({ length: RESCUES_MAX + 1 }, () => {
      const [effect] = requester.onTime(requester.wakeAtMs())
      if (effect?.do === 'lead') return [effect.step.route.length, effect.suspect]
      return effect?.do === 'ask-again' ? [effect.step.route.length, effect.suspect] : []
    })
    expect(suspects).toEqual([
      [4, second],
      [3, first],
      [2, first],
      [0, undefined],
    ])
  })

  test('waits for a host once nobody is named any more and none is known', () => {
    const requester = asked({}, [0])
    requester.onStep(first, step(first, 1, second), PRESENCE_INTERVAL_MS_MAX)
    requester.onStep(second, step(first, 2, second), PRESENCE_INTERVAL_MS_MAX + 10)
    const backAtMs = requester.wakeAtMs()
    expect(kinds(requester.onTime(backAtMs))).toEqual(['ask-again'])
    expect(requester.wakeAtMs()).toBe(backAtMs + NO_HOST_GRACE_MS)
  })

  test('is looked at when it is due, and not before', () => {
    const requester = asked()
    requester.onStep(first, step(first, 1, second), 10)
    const atMs = requester.wakeAtMs()
    expect(requester.onTime(atMs - 1)).toEqual([])
    expect(kinds(requester.onTime(atMs))).toEqual(['lead'])
  })
})

describe('patience', () => {
  test('grows with what steps usually take, within its bounds', () => {
    const stallMs = (tookMs: number): number => {
      const requester = asked()
      let nowMs = 0
      for (let hops = 1; hops < 5; hops++) {
        nowMs += tookMs
        requester.onStep(first, step(first, hops, second), nowMs)
      }
      return requester.wakeAtMs() - nowMs
    }
    expect(stallMs(1)).toBe(NAMED_STALL_MS)
    expect(stallMs(500)).toBeGreaterThan(NAMED_STALL_MS)
    expect(stallMs(5_000)).toBe(STALL_MS_MAX)
  })
})

describe('a request whose scores are on their way', () => {
  const closing = () => {
    const requester = asked()
    requester.onStep(first, step(first, 6, self), 10)
    return requester
  }

  test('is not taken back, and wakes its member at the deadline', () => {
    const requester = closing()
    expect(requester.wakeAtMs()).toBe(CLASSIFY_POLICY_DEFAULT.deadlineMs)
    expect(requester.onTime(10 + STALL_MS_MAX)).toEqual([])
    expect(requester.onTime(CLASSIFY_POLICY_DEFAULT.deadlineMs - 1)).toEqual([])
  })

  test('ends at the deadline without them', () => {
    const { deadlineMs } = CLASSIFY_POLICY_DEFAULT
    expect(closing().onTime(deadlineMs)).toContainEqual({
      do: 'report',
      event: {
        type: 'failed',
        request,
        fault: {
          code: 'deadline-passed',
          deadlineMs,
          hops: 6,
          missing: { what: 'result', peer: first },
        },
      },
    })
  })
})

test('several requests are watched by the one that is due first', () => {
  const requester = asked({ deadlineMs: 20_000 })
  const short = '2'.repeat(32) as RequestId
  requester.onStep(first, step(first, 6, self), 10)
  expect(requester.wakeAtMs()).toBe(20_000)
  requester.open(short, { ...CLASSIFY_POLICY_DEFAULT, deadlineMs: 500 }, 10)
  requester.begin(short, stem, 10)
  expect(requester.wakeAtMs()).toBeLessThan(510)
})

describe('a request that nobody in its lane takes any further', () => {
  const STARVED_MS = STARVED_STALLS * NAMED_STALL_MS

  test('starves its member after several stalls, whatever is claimed meanwhile', () => {
    const requester = asked()
    const claim = {
      kind: 'claim',
      request,
      hop: 0,
      era: 0,
      layer: 0,
      ttlMs: 10_000,
      lost: false,
    } as const
    requester.onClaim(first, claim, 1_000)
    expect(requester.isStarved(STARVED_MS - 1)).toBe(false)
    expect(requester.isStarved(STARVED_MS)).toBe(true)
  })

  test('starves nobody once it has moved, or has ended', () => {
    const requester = asked()
    requester.onStep(first, step(first, 1, second), 2_000)
    expect(requester.isStarved(STARVED_MS)).toBe(false)
    expect(requester.isStarved(2_000 + STARVED_STALLS * STALL_MS_MAX)).toBe(true)
    requester.cancel(request, 2_000)
    expect(requester.isStarved(60_000)).toBe(false)
  })

  test('begins anew from its first step in the next lane, where others can be chosen', () => {
    const requester = asked()
    requester.onStep(first, step(first, 3, second), 10)
    const enteredAtMs = 10 + STARVED_STALLS * STALL_MS_MAX
    requester.laneEntered(enteredAtMs)
    expect(requester.isStarved(enteredAtMs)).toBe(false)
    expect(requester.onTime(enteredAtMs + STALL_MS_MAX)).toMatchObject([
      { do: 'lead', step: { route: [], era: 1, next: undefined } },
    ])
  })

  test('starves nobody by the time that it stood still in the lane before', () => {
    const requester = asked()
    const enteredAtMs = STARVED_MS - 100
    requester.laneEntered(enteredAtMs)
    expect(requester.isStarved(STARVED_MS)).toBe(false)
    expect(requester.isStarved(enteredAtMs + STARVED_MS - 1)).toBe(false)
    expect(requester.isStarved(enteredAtMs + STARVED_MS)).toBe(true)
  })

  test('goes on where it stands in the next lane if it was not starved', () => {
    const requester = asked()
    requester.onStep(first, step(first, 3, second), 10)
    requester.laneEntered(1_000)
    expect(requester.onTime(10 + STALL_MS_MAX)).toMatchObject([
      { do: 'lead', step: { era: 1 }, suspect: second },
    ])
  })
})
