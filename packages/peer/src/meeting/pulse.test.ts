import type { Stream } from '@libp2p/interface'
import { PING_PROTOCOL } from '@libp2p/ping'
import { afterEach, describe, expect, test } from 'vitest'
import { REDIAL_INTERVAL_MS } from '../limits.ts'
import type { SwarmNode } from '../node/libp2p-config.ts'
import { connectionsOf, directConnection } from '../node/peer-connections.ts'
import { createTestNode, eventually } from '../testing/test-nodes.ts'
import { Pulse, type PulseNeeds } from './pulse.ts'

/** Long enough for an answer over loopback on a busy machine, and short enough to wait for twice. */
const TIMES = { aliveMs: 1_000, deadMs: 2_000 }

const open: SwarmNode[] = []
afterEach(async () => {
  for (const node of open.splice(0)) await node.stop()
})

interface Watched {
  readonly node: SwarmNode
  readonly other: SwarmNode
  readonly peer: string
  readonly said: string[]
  readonly stopped: AbortController
  readonly pulse: Pulse
}

/** A node that is connected to another, and takes its pulse. */
async function watched(given: Partial<PulseNeeds> = {}): Promise<Watched> {
  const [{ node }, { node: other }] = [await createTestNode(), await createTestNode()]
  open.push(node, other)
  await node.dial(other.getMultiaddrs())
  const said: string[] = []
  const stopped = new AbortController()
  const pulse = new Pulse(
    {
      node,
      stopped: stopped.signal,
      gone: (one) => void said.push(`gone ${one}`),
      dialAgain: (one) => void said.push(`dial ${one}`),
      hangUp: (one) => void said.push(`hang up ${one}`),
      ...given,
    },
    TIMES,
  )
  return { node, other, peer: other.peerId.toString(), said, stopped, pulse }
}

/** Pings arrive there, and nothing comes back before it speaks again. */
async function fallSilent(node: SwarmNode): Promise<{ streams: Stream[]; speak(): void }> {
  const streams: Stream[] = []
  let speak = () => {}
  const spoken = new Promise<void>((resolve) => {
    speak = resolve
  })
  await node.unhandle(PING_PROTOCOL)
  await node.handle(PING_PROTOCOL, async (stream) => {
    streams.push(stream)
    await spoken
    for await (const bytes of stream) stream.send(bytes)
    await stream.close()
  })
  return { streams, speak }
}

/** Another connection, and the older one is closed. */
async function reconnect(node: SwarmNode, other: SwarmNode): Promise<void> {
  const [older] = connectionsOf(node, other.peerId.toString())
  await node.dial(other.getMultiaddrs(), { force: true })
  older?.abort(new Error('there is a newer connection'))
}

describe('a pulse', { timeout: 30_000 }, () => {
  test('of a peer that answers says nothing', async () => {
    const { pulse, peer, said } = await watched()
    await pulse.check(peer)
    expect(said).toEqual([])
  })

  test('of a peer to which there is no connection says nothing', async () => {
    const { pulse, node, other, peer, said } = await watched()
    await node.hangUp(other.peerId)
    await pulse.check(peer)
    expect(said).toEqual([])
  })

  test('of a peer that stays silent ends the connection, after one more dial', async () => {
    const { pulse, other, peer, said } = await watched()
    await fallSilent(other)
    await pulse.check(peer)
    expect(said).toEqual([`gone ${peer}`, `dial ${peer}`, `hang up ${peer}`])
    await pulse.check(peer)
    expect(said.slice(3)).toEqual([`gone ${peer}`, `hang up ${peer}`])
    expect(REDIAL_INTERVAL_MS).toBeGreaterThan(2 * (TIMES.aliveMs + TIMES.deadMs))
  })

  test('of a peer that was only busy keeps the connection', async () => {
    const { pulse, other, peer, said } = await watched()
    const { speak } = await fallSilent(other)
    const checking = pulse.check(peer)
    await eventually('it counts as gone', () => said.length > 0)
    speak()
    await checking
    expect(said).toEqual([`gone ${peer}`, `dial ${peer}`])
  })

  test('of a connection that carries nothing finds the peer on another one', async () => {
    const said: string[] = []
    const again = { gone: () => void said.push('gone'), hangUp: () => void said.push('hang up') }
    let redialled: Promise<void> | undefined
    const dialAgain = () => {
      speak()
      redialled = reconnect(node, other)
    }
    const { pulse, node, other, peer } = await watched({ ...again, dialAgain })
    const { speak } = await fallSilent(other)
    await pulse.check(peer)
    await redialled
    expect(said).toEqual(['gone'])
    expect(directConnection(node, peer)).toBeDefined()
  })

  test('of a connection that gave way to another says nothing of the peer', async () => {
    const { pulse, node, other, peer, said } = await watched()
    const { streams } = await fallSilent(other)
    const checking = pulse.check(peer)
    await eventually('the ping has come', () => streams.length > 0)
    await reconnect(node, other)
    await checking
    expect(said).toEqual([])
  })

  test('says nothing once it is stopped', async () => {
    const { pulse, other, peer, said, stopped } = await watched()
    await fallSilent(other)
    const checking = pulse.check(peer)
    stopped.abort()
    await checking
    expect(said).toEqual([])
  })
})
