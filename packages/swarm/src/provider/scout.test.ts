import { expect, test } from 'vitest'
import { Conduct } from '../claims/conduct.ts'
import { Strangers } from '../claims/strangers.ts'
import { POLICY_DEFAULT } from '../core-options.ts'
import { Withholding } from '../fetch/withholding.ts'
import { neighbourOf } from '../presence/near.ts'
import { Neighbourhood } from '../presence/neighbourhood.ts'
import { PeerTable } from '../presence/peer-table.ts'
import { Ways } from '../presence/ways.ts'
import { anyChain } from '../testing/any-chain.ts'
import { anyPresence } from '../testing/any-presence.ts'
import { anyStep, heldTensor } from '../testing/any-step.ts'
import type { PeerId, Presence, RequestId, Step, TensorHash } from '../wire/messages.ts'
import { ClaimBook } from './claim-book.ts'
import { Flight } from './flight.ts'
import { NEVER_FREE_MS, URGENT_MS } from './limits.ts'
import { Scout } from './scout.ts'

const RELEASE = '5'.repeat(64)
const ASKER = 'asker' as PeerId
/** By then a newcomer has waited for so long that everybody owes it a trial, if it is urgent. */
const LATE_MS = 6 * URGENT_MS
const OPEN = [true, true, true, true]

const step: Step = {
  kind: 'step',
  input: undefined,
  next: undefined,
  silent: [],
  barred: [],
  isPrivate: false,
  request: '1'.repeat(32) as RequestId,
  requester: ASKER,
  endsAtMs: 60_000,
  era: 0,
  route: [],
  chain: anyChain([], { isOpen: true }),
  plan: [],
  activation: {
    place: 'held',
    dtype: 'float16',
    batch: 1,
    tokens: 5,
    width: 8,
    size: 80,
    holder: ASKER,
    hash: 'h' as TensorHash,
  },
  remainingMs: 60_000,
}

/** A lane of twenty hosts and `new`, as one of the hosts sees it. */
function scoutOf(self: string, layerMs = 1, newcomer: Partial<Presence> = {}) {
  const table = new PeerTable(RELEASE)
  const own = { reaches: (peer: PeerId) => peer !== 'far', rttMs: () => 50 }
  const neighbourhood = new Neighbourhood(self as PeerId, own)
  const accessSpeed = () => ({ upload: undefined, download: undefined })
  const ways = new Ways({ self: self as PeerId, accessSpeed }, table, neighbourhood)
  const strangers = new Strangers()
  const conduct = new Conduct()
  const withholding = new Withholding(self as PeerId)
  const hear = (name: string, said: Partial<Presence>) => {
    const presence = anyPresence({ release: RELEASE, layers: [0, 1], ...said })
    table.hear(name as PeerId, presence, 0)
    neighbourhood.hear(name as PeerId, presence)
  }
  for (let i = 0; i < 20; i++) if (`p${i}` !== self) hear(`p${i}`, { layerMs })
  hear('new', { measured: false, ...newcomer })
  const scout = new Scout(
    {
      self: self as PeerId,
      shape: { layers: 4, tokens: 5, width: 8 },
      policy: POLICY_DEFAULT,
    },
    {
      table,
      claims: new ClaimBook(),
      conduct,
      strangers,
      neighbourhood,
      ways,
      withholding,
      isTrusted: () => false,
    },
  )
  /** Whether it owes the newcomer a trial at a time. */
  const owes = (nowMs: number) =>
    scout
      .choice(new Flight(step, nowMs), OPEN, 0, nowMs)
      .hosts.some(({ peer, isOwed }) => peer === 'new' && isOwed)
  return { hear, strangers, conduct, withholding, scout, table, owes }
}

type Lane = ReturnType<typeof scoutOf>

/** How many of the twenty hosts owe the newcomer a trial late, having looked for others since the start. */
function owing(see: (self: string) => Lane): number {
  return Array.from({ length: 20 }, (_, i) => see(`p${i}`)).filter((lane) => {
    lane.owes(0)
    return lane.owes(LATE_MS)
  }).length
}

/** Strangers have delivered to it. */
function trusting(lane: Lane): Lane {
  for (let i = 0; i < 4; i++) lane.strangers.tried(true)
  return lane
}

test('a newcomer that waits for its first work is owed a trial by all of its lane in the end', () => {
  expect(owing((self) => trusting(scoutOf(self)))).toBe(20)
})

test('it is owed by one at a time where strangers are not known to deliver, or when it has run a layer', () => {
  expect(owing((self) => scoutOf(self))).toBe(1)
  expect(owing((self) => trusting(scoutOf(self, 1, { measured: true })))).toBe(1)
})

test('it is owed by nobody whom strangers let down', () => {
  const failed = (self: string) => {
    const lane = scoutOf(self)
    lane.strangers.tried(false)
    return lane
  }
  expect(owing(failed)).toBe(0)
})

test('whoever is known to deliver is owed nothing, but for one trial at a time where a layer takes long', () => {
  const known = (layerMs: number) => (self: string) => {
    const lane = trusting(scoutOf(self, layerMs))
    lane.hear('somebody', { layers: [], near: [neighbourOf('new' as PeerId, 50, true)], layerMs })
    return lane
  }
  expect(owing(known(1))).toBe(0)
  expect(owing(known(94))).toBe(1)
})

test('everybody counts as a host, until strangers have let it down: then who has delivered to it, or to one of those', () => {
  const lane = scoutOf('p0')
  const trusted = () =>
    [...lane.table.all()].filter(lane.scout.trust(0).mayHost).map(({ peer }) => peer)
  lane.conduct.delivered('p1' as PeerId, undefined, 0)
  const near = [neighbourOf('p2' as PeerId, 50, true)]
  lane.hear('p1', { near })
  lane.hear('p3', { near: [neighbourOf('new' as PeerId, 50, true)] })
  expect(trusted()).toHaveLength(20)
  lane.hear('p1', { near, strangersFail: 200 })
  lane.strangers.tried(false)
  expect(trusted().sort()).toEqual(['p1', 'p2'])
})

test('no layer is left to somebody that has neither delivered nor can be tried, nor to somebody that hands nothing out', () => {
  const lane = scoutOf('p0')
  const hosts = () =>
    [...lane.table.all()].filter(lane.scout.trust(0).hosts).map(({ peer }) => peer)
  expect(hosts()).toHaveLength(20)
  lane.hear('far', {})
  lane.hear('p1', { freeSlots: 0 })
  lane.hear('p2', { freeSlots: 0 })
  lane.conduct.delivered('p2' as PeerId, undefined, 0)
  expect(hosts()).not.toContain('far')
  expect(hosts()).not.toContain('p1')
  expect(hosts()).toHaveLength(19)
  lane.conduct.delivered('far' as PeerId, undefined, 0)
  expect(hosts()).toContain('far')
  const held = anyStep({ activation: heldTensor('far' as PeerId) })
  for (let i = 0; i < 2; i++) lane.withholding.inVain(held, 'p0' as PeerId, 0)
  expect(hosts()).not.toContain('far')
})

test('who has delivered and then never has room counts as no host', () => {
  const lane = scoutOf('p0')
  const sleeper = 'p1' as PeerId
  lane.conduct.delivered(sleeper, undefined, 0)
  lane.hear(sleeper, { freeSlots: 0 })
  const [known] = [...lane.table.all()].filter(({ peer }) => peer === sleeper)
  if (known === undefined) throw new Error('it is not heard')
  const trusted = (nowMs: number) => {
    const { mayHost, hosts } = lane.scout.trust(nowMs)
    return [mayHost(known), hosts(known)]
  }
  expect(trusted(NEVER_FREE_MS)).toEqual([true, true])
  expect(trusted(NEVER_FREE_MS + 1)).toEqual([false, false])
  lane.conduct.delivered(sleeper, undefined, NEVER_FREE_MS + 1)
  expect(trusted(NEVER_FREE_MS + 2)).toEqual([true, true])
})

test('whoever hands nothing over is doubted where layers are to be run, and not where they are run again', () => {
  const lane = scoutOf('p0')
  const suspect = 'p1' as PeerId
  const held = anyStep({ activation: heldTensor(suspect) })
  for (let i = 0; i < 2; i++) lane.withholding.inVain(held, 'p0' as PeerId, 0)
  const doubtOf = (isRecount: boolean) => {
    const { hosts } = lane.scout.survey(
      { request: step.request, layers: [0, 1], bytes: 80, barred: [], isRecount },
      0,
    )
    return hosts.find(({ peer }) => peer === suspect)?.doubt
  }
  expect([doubtOf(false), doubtOf(true)]).toEqual([2, 0])
})
