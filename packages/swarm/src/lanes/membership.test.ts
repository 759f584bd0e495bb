import { describe, expect, test } from 'vitest'
import type { Effect } from '../effects.ts'
import { PRESENCE_INTERVAL_MS, PRESENCE_TTL_MS, SPEED_NEWS_MS } from '../limits.ts'
import { GREETING_STEP_MS } from '../presence/limits.ts'
import { neighbourOf } from '../presence/near.ts'
import { Neighbourhood } from '../presence/neighbourhood.ts'
import { PeerTable } from '../presence/peer-table.ts'
import { anyPresence } from '../testing/any-presence.ts'
import type { Message, PeerId, Presence } from '../wire/messages.ts'
import { LANES_LOOK_SOON_MS } from './limits.ts'
import { LaneMembership } from './membership.ts'

const release = '5'.repeat(64)
const self = 'me' as PeerId
const other = 'other' as PeerId
const third = 'third' as PeerId

/** A member of lane 0 that asks only. */
function member() {
  const table = new PeerTable(release)
  const reached = new Set<PeerId>([other])
  const neighbourhood = new Neighbourhood(self, {
    reaches: (peer) => reached.has(peer),
    rttMs: () => undefined,
  })
  const intervals = { passed: 0 }
  const membership = new LaneMembership(
    {
      release,
      self,
      backend: 'reference',
      lane: 0,
      laneProviders: 24,
      addresses: () => [],
      links: () => 0,
      accessSpeed: () => ({ upload: undefined, download: undefined }),
    },
    {
      announcement: () => ({
        layers: [1],
        freeSlots: 1,
        layerMs: 2,
        measured: true,
        strangersFail: 0,
        near: [],
      }),
      situation: () => ({
        serves: false,
        hosted: new Set(),
        capacity: 0,
        layers: 4,
        isAtWork: false,
        isAsking: false,
        isStarved: false,
        isTrusting: true,
      }),
      intervalPassed: () => {
        intervals.passed++
      },
    },
    { table, neighbourhood },
    0,
  )
  return { membership, table, neighbourhood, reached, intervals }
}

const presence = (given: Partial<Presence> = {}) => anyPresence({ release, ...given })

/** Something said, and to whom. */
interface Said {
  readonly to: 'lane' | readonly PeerId[]
  readonly message: Message
}

/** What is said among these effects. */
function saidIn(effects: readonly Effect[]): Said[] {
  return effects.flatMap((effect): Said[] => {
    if (effect.do === 'tell') return [{ to: effect.to, message: effect.message }]
    return effect.do === 'publish' ? [{ to: 'lane', message: effect.message }] : []
  })
}

/** What happened and what is done, in short. */
const inShort = (effects: readonly Effect[]): string[] =>
  effects.map((effect) => (effect.do === 'report' ? effect.event.type : effect.do))

describe('a member of a lane', () => {
  test('is concerned by presence of its release in its lane alone', () => {
    const { membership } = member()
    expect(membership.concerns(presence())).toBe(true)
    expect(membership.concerns(presence({ lane: 1 }))).toBe(false)
    expect(membership.concerns(presence({ release: '6'.repeat(64) }))).toBe(false)
  })

  test('tells the lane of all of itself where somebody asks to whom it has no way', () => {
    const { membership } = member()
    membership.speakIfDue(0)
    membership.hear(third, presence({ asking: true }), 10)
    const atMs = membership.wakeAtMs()
    expect(atMs).toBeLessThan(10 + 3 * GREETING_STEP_MS)
    const said = saidIn(membership.speakIfDue(atMs))
    expect(said).toMatchObject([{ to: 'lane', message: { kind: 'presence', addresses: [] } }])
    expect(saidIn(membership.speakIfDue(atMs + 1))).toEqual([])
  })

  test('tells one that asks and has a way alone', () => {
    const { membership } = member()
    membership.speakIfDue(0)
    expect(saidIn(membership.hear(other, presence({ asking: true }), 10))).toMatchObject([
      { to: [other] },
    ])
    expect(saidIn(membership.speakIfDue(10 + 3 * GREETING_STEP_MS))).toEqual([])
  })

  test('reports whoever comes and goes once', () => {
    const { membership } = member()
    expect(inShort(membership.hear(other, presence({ sequence: 1 }), 0))).toContain('peer-joined')
    expect(inShort(membership.hear(other, presence({ sequence: 2 }), 10))).toEqual([])
    expect(inShort(membership.forget(other))).toEqual(['peer-left'])
    expect(inShort(membership.forget(other))).toEqual([])
    membership.hear(third, presence({ sequence: 1 }), 20)
    expect(membership.expire(20 + PRESENCE_TTL_MS - 1)).toEqual([])
    expect(inShort(membership.expire(20 + PRESENCE_TTL_MS))).toEqual(['peer-left'])
  })

  test('is woken when somebody has not been heard for long', () => {
    const { membership } = member()
    membership.hear(other, presence(), 1)
    let nowMs = 0
    let gone: Effect[] = []
    while (gone.length === 0 && nowMs < 2 * PRESENCE_TTL_MS) {
      nowMs = membership.wakeAtMs()
      gone = membership.expire(nowMs)
      membership.look(nowMs)
      membership.speakIfDue(nowMs)
    }
    expect(nowMs).toBe(1 + PRESENCE_TTL_MS)
  })

  test('asks how full the lanes are soon after others than a lane has room for have joined', () => {
    for (const [others, isSoon] of [
      [24, false],
      [25, true],
    ] as const) {
      const { membership } = member()
      expect(membership.look(LANES_LOOK_SOON_MS)).toEqual([{ do: 'count-lanes' }])
      for (let i = 0; i < others; i++)
        membership.hear(`p${i}` as PeerId, presence({ layers: [0] }), LANES_LOOK_SOON_MS)
      expect(membership.look(2 * LANES_LOOK_SOON_MS)).toEqual(isSoon ? [{ do: 'count-lanes' }] : [])
    }
  })

  test('knows nobody by distance whom it has forgotten, however that came', () => {
    const near = [neighbourOf(third, 40, true)]
    const forget: ((one: ReturnType<typeof member>) => void)[] = [
      ({ membership }) => membership.forget(other),
      ({ membership }) => membership.expire(PRESENCE_TTL_MS),
      ({ membership }) => membership.move(10),
    ]
    for (const forgets of forget) {
      const one = member()
      one.membership.hear(other, presence({ near }), 0)
      expect(one.neighbourhood.wayMs(other, third)).toBeCloseTo(20, 0)
      forgets(one)
      expect(one.table.size).toBe(0)
      expect(one.neighbourhood.wayMs(other, third)).toBeUndefined()
    }
  })
})

describe('a newcomer', () => {
  test('is told at once who is here, and nobody else is; one who asks again is', () => {
    const { membership } = member()
    const isTold = (given: Partial<Presence>, nowMs: number) =>
      saidIn(membership.hear(other, presence(given), nowMs)).map(({ to }) => to)
    expect(isTold({ sequence: 1 }, 0)).toEqual([[other]])
    expect(isTold({ sequence: 2 }, 10)).toEqual([])
    expect(isTold({ sequence: 3, asking: true }, 20)).toEqual([[other]])
  })

  test('without a connection is told as soon as there is one', () => {
    const { membership, reached } = member()
    membership.speakIfDue(0)
    expect(saidIn(membership.hear(third, presence(), 0))).toEqual([])
    reached.add(third)
    const atMs = membership.wakeAtMs()
    expect(saidIn(membership.speakIfDue(atMs)).map(({ to }) => to)).toEqual([[third]])
  })
})

describe('what it says of itself', () => {
  test('goes out in its turn and after news, with its lane; answers to newcomers are no turns', () => {
    const { membership, intervals } = member()
    expect(saidIn(membership.speakIfDue(0))).toMatchObject([
      { to: 'lane', message: { kind: 'presence', lane: 0, layers: [1], asking: true } },
    ])
    expect(membership.speakIfDue(1)).toEqual([])
    membership.hear(other, presence(), 1)
    expect(intervals.passed).toBe(1)
    expect(saidIn(membership.announceNews(2))).toMatchObject([{ message: { asking: false } }])
    expect(saidIn(membership.speakIfDue(2 + PRESENCE_INTERVAL_MS))).toHaveLength(1)
    expect(intervals.passed).toBe(3)
  })

  test('is news when its speed has changed by enough', () => {
    const { membership } = member()
    membership.speakIfDue(0)
    expect(membership.announceSpeed(SPEED_NEWS_MS, 100)).toEqual([])
    expect(saidIn(membership.announceSpeed(SPEED_NEWS_MS + 1, 100))).toHaveLength(1)
  })
})

describe('a move', () => {
  /** It has been counted where there is more room for askers. */
  function wanting() {
    const one = member()
    one.membership.hear(other, presence(), 0)
    const counts = [
      { lane: 0, providers: 1, askers: 500, lacking: 4 },
      { lane: 1, providers: 24, askers: 0, lacking: 0 },
    ]
    let nowMs = 60_000
    while (!one.membership.isMoveDue(nowMs) && nowMs < 1e7) {
      nowMs += 30_000
      one.membership.look(nowMs)
      one.membership.counted(counts, nowMs)
    }
    return { ...one, nowMs }
  }

  test('is due when its keeper wants it, and not before it was counted', () => {
    expect(member().membership.isMoveDue(60_000)).toBe(false)
    const { membership, nowMs } = wanting()
    expect(membership.isMoveDue(nowMs)).toBe(true)
  })

  test('begins with a goodbye to the lane that it leaves, and ends with a word in the new one', () => {
    const { membership, nowMs } = wanting()
    membership.speakIfDue(nowMs)
    const effects = membership.move(nowMs)
    expect(inShort(effects)).toEqual(['publish', 'enter', 'peer-left', 'lane-entered', 'publish'])
    expect(membership.lane).toBe(1)
    expect(membership.isMoveDue(nowMs)).toBe(false)
    expect(saidIn(effects)).toMatchObject([
      { message: { lane: 0, leaving: true, moving: true, layers: [] } },
      { message: { lane: 1, leaving: false, asking: true, layers: [1] } },
    ])
    expect(membership.concerns(presence({ lane: 1 }))).toBe(true)
  })

  test('leaves nobody to be welcomed in the lane that was left', () => {
    const { membership, reached, nowMs } = wanting()
    membership.speakIfDue(nowMs)
    membership.hear(third, presence(), nowMs)
    reached.add(third)
    membership.move(nowMs)
    expect(saidIn(membership.speakIfDue(nowMs + 1_000))).toEqual([])
  })
})
