import {
  type Message,
  type PeerId,
  PRESENCE_TTL_MS,
  type Presence,
  REJECTS_PER_NEIGHBOUR_MAX,
  type RequestId,
} from '@layerswarm/swarm'
import {
  anyChain,
  anyPresence,
  SIMULATED_RELEASE,
  symbolicStem,
  VirtualClock,
} from '@layerswarm/swarm/testing'
import { describe, expect, test } from 'vitest'
import { peerName, type Session } from '../scenarios/population.ts'
import { changeSettings, SETTINGS_DEFAULT, type Settings } from '../scenarios/settings.ts'
import { LabNetwork } from './gossip.ts'
import type { LabTransport } from './lab-transport.ts'
import { Trace } from './trace.ts'

const QUIET = {
  'model.tokens': 5,
  'model.width': 16,
  'links.rttMedianMs': 100,
  'links.rttSigma': 0,
  'links.jitterMs': 0,
  'links.loss': 0,
  'links.natShare': 0,
  'links.dialMs': 10,
  'gossip.messageMs': 0,
}

function guest(index: number, up = 1_000_000): Session {
  return {
    index,
    peer: peerName(index),
    actor: 'honest',
    joinMs: 0,
    found: true,
    leaveMs: Number.POSITIVE_INFINITY,
    departure: 'goodbye',
    freezesMs: [],
    deviceLossesMs: [],
    slowness: 1,
    up,
    down: 1_000_000,
    messageMs: 0,
    far: index % 2 === 1,
  }
}

function lane(peers: number, set: Partial<Settings> = {}, up = 1_000_000) {
  const settings = changeSettings(SETTINGS_DEFAULT, { ...QUIET, ...set } as Record<string, number>)
  const clock = new VirtualClock()
  const network = new LabNetwork(clock, settings, 1, new Trace(), {
    published: () => {},
    pullAsked: () => {},
  })
  const heard: { at: number; to: number; from: PeerId; message: Message }[] = []
  const gone: { at: number; to: number; peer: PeerId }[] = []
  const transports = Array.from({ length: peers }, (_, index): LabTransport => {
    const transport = network.join(guest(index, up), true, () => {})
    transport.listen({
      messageArrived: (from, message) =>
        heard.push({ at: clock.nowMs(), to: index, from, message }),
      peerDisconnected: (peer) => gone.push({ at: clock.nowMs(), to: index, peer }),
    })
    return transport
  })
  clock.run(100)
  const [first, second] = transports as [LabTransport, LabTransport]
  return { clock, network, heard, gone, transports, first, second }
}

const DONE: Message = { kind: 'done', isPublic: true, request: '0'.repeat(32) as RequestId }

function presence(links: number): Message {
  return anyPresence({ release: SIMULATED_RELEASE, sequence: 1, links })
}

/** The first step of a request of the model that QUIET worlds have. */
function step(requester: PeerId): Message {
  const [batch, tokens, width] = [1, 5, 16]
  return {
    kind: 'step',
    input: undefined,
    next: undefined,
    silent: [],
    barred: [],
    isPrivate: false,
    request: '1'.repeat(32) as RequestId,
    requester,
    endsAtMs: 1_000,
    era: 0,
    route: [],
    chain: anyChain([], { isOpen: true }),
    plan: [],
    activation: {
      place: 'inline',
      dtype: 'float16',
      batch,
      tokens,
      width,
      bytes: symbolicStem(batch * tokens * width * 2, 0),
    },
    remainingMs: 1_000,
  }
}

describe('gossip between homes', () => {
  test('reaches everybody once, one way later', () => {
    const { clock, first, heard } = lane(8)
    first.publish(DONE)
    clock.run(1_000)
    expect(heard.map(({ to }) => to).toSorted()).toEqual([1, 2, 3, 4, 5, 6, 7])
    for (const { at } of heard) expect(at).toBeCloseTo(150, 1)
  })

  test('counts as control traffic, told to one peer or to all; what is said of requests does not', () => {
    const { network, clock, first, second } = lane(2)
    first.publish(presence(1))
    const published = network.traffic.controlBytes
    expect(published).toBeGreaterThan(0)
    first.tell(presence(1), second.self)
    expect(network.traffic.controlBytes).toBeGreaterThan(published)
    expect(network.traffic).toMatchObject({ requestBytes: 0, requestMessages: 0 })
    first.tell(DONE, second.self)
    clock.run(1_000)
    expect(network.traffic.requestMessages).toBe(1)
    expect(network.traffic.requestBytes).toBeGreaterThan(0)
  })

  test('is not passed on when its author has announced that it reaches everybody', () => {
    const { clock, first, network, transports } = lane(8)
    for (const transport of transports) transport.publish(presence(7))
    clock.run(1_000)
    const before = network.traffic.copies
    first.publish(DONE)
    clock.run(2_000)
    expect(network.traffic.copies - before).toBe(7)
  })

  test('is passed on while its author is not known to reach everybody', () => {
    const { clock, first, network } = lane(8)
    first.publish(DONE)
    clock.run(1_000)
    expect(network.traffic.copies).toBeGreaterThan(7)
  })

  test('that is not its author’s to say is refused, and ends the connection when it comes again', () => {
    const { clock, first, second, heard, gone, network } = lane(2)
    const theirs = step(second.self)
    for (let i = 0; i < REJECTS_PER_NEIGHBOUR_MAX; i++) first.publish(theirs)
    clock.run(1_000)
    expect(network.traffic.rejected).toBe(REJECTS_PER_NEIGHBOUR_MAX)
    expect(second.station.links).toEqual([])
    expect(gone.map(({ to, peer }) => [to, peer])).toEqual([
      [1, first.self],
      [0, second.self],
    ])
    first.publish(step(first.self))
    clock.run(2_000)
    expect(heard).toEqual([])
  })

  test('goes by way of others where there is no direct path', () => {
    const { clock, first, heard, transports } = lane(12, { 'links.natShare': 0.5 })
    const direct = transports.filter(({ self }) =>
      first.station.links.some(({ to }) => to.peer === self),
    ).length
    expect(direct).toBeLessThan(11)
    first.publish(DONE)
    clock.run(2_000)
    expect(new Set(heard.map(({ to }) => to)).size).toBe(11)
    const late = heard.filter(({ at }) => at > 190)
    expect(late.length).toBe(11 - direct)
  })

  test('comes back for copies that were lost', () => {
    const { clock, first, heard } = lane(12, { 'links.loss': 0.5 })
    first.publish(DONE)
    clock.run(5_000)
    expect(new Set(heard.map(({ to }) => to)).size).toBe(11)
    expect(heard.some(({ at }) => at > 200)).toBe(true)
  })

  test('queues on a thin uplink, and drops what would wait too long', () => {
    const slow = lane(6, { 'gossip.flood': 1, 'gossip.mesh': 0 }, 1)
    slow.first.publish(DONE)
    slow.clock.run(10_000)
    // A message of 19 bytes and 250 of overhead takes 269 ms at 1 byte per ms, to each of five.
    const arrivals = slow.heard.map(({ at }) => at - 150)
    for (const [i, at] of arrivals.entries()) expect(at).toBeCloseTo(269 * (i + 1), -1)
    for (let i = 0; i < 20; i++) slow.first.publish(DONE)
    expect(slow.network.traffic.dropped).toBeGreaterThan(50)
  })

  test('stops at a partition and goes on after it', () => {
    const { clock, first, heard, network } = lane(6)
    network.partition(true)
    first.publish(DONE)
    clock.run(2_000)
    expect(heard.map(({ to }) => to).toSorted()).toEqual([2, 4])
    network.partition(false)
    first.publish(DONE)
    clock.run(4_000)
    expect(heard).toHaveLength(2 + 5)
  })

  test('waits in the sockets of a frozen tab', () => {
    const { clock, first, second, heard, network } = lane(2)
    network.freeze(second.self)
    first.publish(DONE)
    clock.run(1_000)
    expect(heard).toEqual([])
    network.thaw(second.self)
    expect(heard).toHaveLength(1)
  })

  test('is not heard from a peer that is banned', () => {
    const { clock, first, second, heard, transports } = lane(3)
    second.ban(first.self)
    first.publish(DONE)
    transports[2]?.publish(DONE)
    clock.run(1_000)
    expect(heard.filter(({ to }) => to === 1).map(({ from }) => from)).toEqual([peerName(2)])
  })

  test('is refused beyond the quota of its author', () => {
    const { clock, first, heard, network } = lane(3, {
      'gossip.quotaPerSecond': 10,
      'gossip.quotaBurst': 30,
    })
    for (let i = 0; i < 100; i++) first.publish(DONE)
    clock.run(1_000)
    expect(heard).toHaveLength(2 * 30)
    expect(network.traffic.overQuota).toBe(2 * 70)
  })
})

/** Ten providers, a little over a second apart, in lanes of four. */
function lanesOfFour() {
  const { clock, network, transports } = lane(0, { 'lanes.peers': 4 })
  const heard: { to: number; message: Message }[] = []
  for (let index = 0; index < 10; index++) {
    const transport = network.join(guest(index), true, () => {})
    transport.listen({
      messageArrived: (_, message) => heard.push({ to: index, message }),
      peerDisconnected: () => {},
    })
    transports.push(transport)
    clock.run(clock.nowMs() + 100)
    transport.publish(hosting(transport))
    clock.run(clock.nowMs() + 1_000)
  }
  const counts = () => network.lanes.map(({ providers }) => providers)
  return { clock, network, transports, heard, counts }
}

/** Presence of one that hosts every layer, in the lane that it is in. */
function hosting({ station }: LabTransport): Presence {
  const layers = Array.from({ length: 8 }, (_, layer) => layer)
  return anyPresence({ release: SIMULATED_RELEASE, lane: station.lane?.index ?? 0, layers })
}

describe('lanes', () => {
  test('are opened when the others have announced as many providers as they have room for', () => {
    expect(lanesOfFour().counts()).toEqual([4, 4, 2])
  })

  test('hear their own members only, and those of the one before can still be told', () => {
    const { clock, transports, heard, counts } = lanesOfFour()
    const [mover, stayer] = transports as [LabTransport, LabTransport]
    mover.enter(2)
    clock.run(clock.nowMs() + 1_000)
    expect(counts()).toEqual([3, 4, 3])
    expect(mover.neighbours()).toEqual([transports[8]?.self, transports[9]?.self])
    expect(mover.reaches(stayer.self)).toBe(false)
    heard.length = 0
    mover.publish(DONE)
    mover.tell(DONE, stayer.self)
    stayer.tell(DONE, mover.self)
    clock.run(clock.nowMs() + 1_000)
    expect(heard.map(({ to }) => to).toSorted()).toEqual([0, 1, 8, 9])
  })

  test('hear who has just entered as soon as connections stand', () => {
    const { clock, transports, heard } = lanesOfFour()
    const [mover] = transports as [LabTransport]
    mover.enter(2)
    heard.length = 0
    mover.publish(hosting(mover))
    clock.run(clock.nowMs() + 1_000)
    expect(heard.map(({ to }) => to).toSorted()).toEqual([8, 9])
  })

  test('are counted by what was announced: who crashed is there until its presence has lapsed', () => {
    const { clock, network, transports } = lanesOfFour()
    const [asker, victim] = transports as [LabTransport, LabTransport]
    const providers = () => {
      let found: number | undefined
      asker.countLanes((lanes) => {
        found = lanes?.find(({ lane: number }) => number === 0)?.providers
      })
      clock.run(clock.nowMs() + 2_000)
      return found
    }
    for (const transport of transports) transport.publish(hosting(transport))
    expect(providers()).toBe(4)
    network.leave(victim.self, 10)
    expect(providers()).toBe(4)
    clock.run(clock.nowMs() + PRESENCE_TTL_MS - 5_000)
    for (const transport of transports) transport.publish(hosting(transport))
    clock.run(clock.nowMs() + 5_000)
    expect(providers()).toBe(3)
  })
})

describe('a tensor', () => {
  const BYTES = new Uint8Array(10_000)
  const held = (holder: PeerId, hash: string) =>
    ({
      place: 'held',
      dtype: 'float16',
      batch: 1,
      tokens: 5,
      width: 8,
      size: BYTES.length,
      holder,
      hash: hash as never,
    }) as const

  function offered(transport: LabTransport, fill = 0): string {
    let hash: string | undefined
    transport.offer(BYTES.slice().fill(fill), (given) => {
      hash = given
    })
    return hash ?? ''
  }

  test('ends a pull by a push that comes while it is asked for, as with real peers', () => {
    const { clock, first, second } = lane(2)
    const [tensor, sizes] = [held(first.self, offered(first)), [] as unknown[]]
    second.pull(tensor, false, (bytes) => sizes.push(bytes?.length))
    first.push(tensor.hash, second.self)
    clock.run(clock.nowMs() + 90)
    expect(sizes).toEqual([tensor.size])
  })

  test('takes a round trip and its bytes to be pulled', () => {
    const { clock, first, second } = lane(2, {}, 100)
    const results: number[] = []
    second.pull(held(first.self, offered(first)), false, (bytes) =>
      results.push(bytes?.length ?? 0, clock.nowMs()),
    )
    clock.run(1_000)
    expect(results[0]).toBe(10_000)
    expect(results[1]).toBeCloseTo(100 + 2 * 50 + 10_000 / 100, 1)
    expect(second.pulls).toBe(0)
  })

  test('of a slow sender keeps nobody else out of its receiver’s downlink', () => {
    const { clock, transports, first, second } = lane(3)
    const third = transports[2] as LabTransport
    Object.assign(first.station.session, { up: 0.1 })
    const pulled: string[] = []
    const [slow, quick] = [held(first.self, offered(first)), held(third.self, offered(third, 1))]
    second.pull(slow, true, () => pulled.push('slow'))
    second.pull(quick, true, () => pulled.push('quick'))
    first.push(slow.hash, second.self)
    third.push(quick.hash, second.self)
    clock.run(clock.nowMs() + 400)
    expect(pulled).toEqual(['quick'])
  })

  test('of a peer that is gone cannot be had, and a cancelled pull says nothing', () => {
    const { clock, first, second, network } = lane(2)
    const hash = offered(first)
    const results: unknown[] = []
    const cancel = second.pull(held(first.self, hash), false, () => expect.unreachable())
    cancel()
    network.leave(first.self, Number.POSITIVE_INFINITY)
    second.pull(held(first.self, hash), false, (bytes) => results.push(bytes))
    clock.run(10_000)
    expect(results).toEqual([undefined])
  })
})

test('neighbours learn of a death after a while, of a goodbye soon', () => {
  const { clock, first, second, gone, network } = lane(3)
  network.leave(first.self, 10)
  network.leave(second.self, 2_800)
  clock.run(10_000)
  expect(gone.map(({ at, to }) => [Math.round(at), to])).toEqual([
    [160, 2],
    [2_950, 2],
  ])
})
