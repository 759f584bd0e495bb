import type { PeerId } from '@layerswarm/swarm'
import { laneTopic, presenceTopic } from '@layerswarm/swarm'
import {
  clockAcceptance,
  randomAcceptance,
  type TransportBench,
  transportAcceptance,
} from '@layerswarm/swarm/testing'
import { multiaddr } from '@multiformats/multiaddr'
import { describe, expect, test } from 'vitest'
import { createSystemClock, systemRandom } from '../system-ports.ts'
import { joinLane, type LaneMember } from './test-lane.ts'
import { addressesOf, eventually, RELEASE, SHAPE, type Wire } from './test-nodes.ts'

const settle = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

/** Members of one lane on this machine, all connected to one another. */
async function lane(over: Wire): Promise<TransportBench> {
  const members = new Map<PeerId, LaneMember>()
  const end = async (peer: PeerId) => {
    await members.get(peer)?.end()
    members.delete(peer)
  }
  const isMeshed = ({ node: { services, peerId } }: LaneMember) =>
    [laneTopic(RELEASE, 0), presenceTopic(RELEASE, 0)].every((topic) =>
      [...members.keys()].every(
        (peer) =>
          peer === peerId.toString() ||
          services.pubsub.getSubscribers(topic).some((one) => one.toString() === peer),
      ),
    )
  return {
    release: RELEASE,
    shape: SHAPE,
    quietMs: 150,
    // Within one machine, which may be busy.
    roundTripMs: [0.01, 1_000],
    settle,
    async makeTransports(count) {
      for (let i = 0; i < count; i++) {
        const made = await joinLane({ over })
        for (const { node } of members.values()) {
          await made.node.dial(addressesOf(node).map((address) => multiaddr(address)))
        }
        members.set(made.transport.self, made)
      }
      await eventually('the mesh', () => [...members.values()].every(isMeshed))
      return [...members.values()].map(({ transport }) => transport)
    },
    end,
    async close() {
      for (const peer of [...members.keys()]) await end(peer)
    },
  }
}

// Two cores and real sockets.
const SLOW = { timeout: 60_000 }

describe.each<Wire>(['tcp', 'websocket', 'memory'])('libp2p over %s is a transport: it', (over) => {
  for (const { name, run } of transportAcceptance(() => lane(over))) test(name, SLOW, run)
})

describe('the system clock is a clock: it', () => {
  const openBench = async () => {
    const clock = createSystemClock()
    return {
      clock,
      otherNowMs: () => performance.now(),
      settle,
      close: async () => {
        clock.cancelAll()
        expect(clock.waiting).toBe(0)
      },
    }
  }
  for (const { name, run } of clockAcceptance(openBench)) test(name, SLOW, run)
})

describe('the system’s randomness is a source of randomness: it', () => {
  for (const { name, run } of randomAcceptance(() => systemRandom, false)) test(name, run)
})
