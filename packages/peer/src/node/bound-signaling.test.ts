import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Connection, Stream, Transport, Upgrader } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { SIGNALING_STREAMS_MAX, SIGNALS_PER_PEER_BURST } from '../limits.ts'
import {
  addressesOf,
  createTestBootstrap,
  createTestNode,
  eventually,
  type TestNode,
} from '../testing/test-nodes.ts'
import { boundSignaling, type SignalingNeeds } from './bound-signaling.ts'
import { isDirect } from './peer-connections.ts'

const SIGNALING = '/webrtc-signaling/0.0.1'

/** As much of an RTCPeerConnection as is waited for. */
class PeerConnection extends EventTarget {
  connectionState: RTCPeerConnectionState = 'connecting'
  become(state: RTCPeerConnectionState): void {
    this.connectionState = state
    this.dispatchEvent(new Event('connectionstatechange'))
  }
}

/** A transport's needs as it gets them, and what comes of them. */
function bounded(admits: (peer: string) => boolean = () => true) {
  const handle = vi.fn<SignalingNeeds['registrar']['handle']>()
  const upgradeInbound = vi.fn()
  const needs = { registrar: { handle }, upgrader: { upgradeInbound } as unknown as Upgrader }
  const create = boundSignaling((own: typeof needs) => own as unknown as Transport, admits)
  const { registrar, upgrader } = create(needs) as unknown as typeof needs
  return { handle, upgradeInbound, registrar, upgrader }
}

describe('a stream of signalling', () => {
  const stream = () => ({ abort: vi.fn() })
  const from = (peer: string) => ({ remotePeer: peer }) as unknown as Connection

  test('is aborted before its handler when there is no room for its peer', async () => {
    const { registrar, handle } = bounded((peer) => peer === 'friend')
    const handler = vi.fn()
    await registrar.handle(SIGNALING, handler, { runOnLimitedConnection: true })
    const [refused, taken] = [stream(), stream()]
    const [, handled, options] = handle.mock.calls[0] ?? []
    await handled?.(refused as unknown as Stream, from('stranger'))
    expect(refused.abort).toHaveBeenCalledOnce()
    expect(handler).not.toHaveBeenCalled()
    await handled?.(taken as unknown as Stream, from('friend'))
    expect(taken.abort).not.toHaveBeenCalled()
    expect(handler).toHaveBeenCalledOnce()
    expect(options).toEqual({
      runOnLimitedConnection: true,
      maxInboundStreams: SIGNALING_STREAMS_MAX,
    })
  })
})

describe('what another peer has offered', () => {
  function offered() {
    const { upgrader, upgradeInbound } = bounded()
    const peerConnection = new PeerConnection()
    const controller = new AbortController()
    const { signal } = controller
    const upgraded = upgrader.upgradeInbound({ peerConnection } as never, { signal } as never)
    return { peerConnection, controller, upgraded, upgradeInbound }
  }

  test('is a connection once WebRTC says so', async () => {
    const { peerConnection, upgraded, upgradeInbound } = offered()
    await Promise.resolve()
    expect(upgradeInbound).not.toHaveBeenCalled()
    peerConnection.become('connected')
    await upgraded
    expect(upgradeInbound).toHaveBeenCalledOnce()
  })

  test.each(['failed', 'closed'] as const)('is none when it has %s', async (state) => {
    const { peerConnection, upgraded, upgradeInbound } = offered()
    peerConnection.become(state)
    await expect(upgraded).rejects.toThrow(`it is ${state}`)
    expect(upgradeInbound).not.toHaveBeenCalled()
  })

  test('is none when its time is over', async () => {
    const { controller, upgraded, upgradeInbound } = offered()
    controller.abort()
    await expect(upgraded).rejects.toThrow('it is connecting')
    expect(upgradeInbound).not.toHaveBeenCalled()
  })
})

describe('a stranger who offers connections and makes none', { timeout: 60_000 }, () => {
  const closers: (() => unknown)[] = []
  afterEach(async () => {
    await Promise.all(closers.splice(0).map((close) => close()))
  })

  async function opened<T extends Pick<TestNode, 'node'>>(opening: Promise<T>): Promise<T> {
    const made = await opening
    closers.push(() => made.node.stop())
    return made
  }

  test('has few made, and none that counts as direct', async () => {
    const { RTCPeerConnection } = await import('node-datachannel/polyfill')
    const relay = await createTestBootstrap(await generateKeyPair('Ed25519'))
    closers.push(() => relay.stop())
    const forwarders = [relay.peerId.toString()]
    const { node } = await opened(createTestNode({ webrtc: true, forwarders }))
    const stranger = await opened(createTestNode({ relayed: true }))
    for (const one of [node, stranger.node]) await one.dial(relay.getMultiaddrs())
    await node.services.circuits.add()
    const way = await eventually('a reservation', () =>
      addressesOf(node).find((address) => /p2p-circuit\/p2p\/\w+$/.test(address)),
    )
    const sample = new RTCPeerConnection({ iceServers: [] })
    sample.createDataChannel('init')
    const { sdp = '' } = await sample.createOffer()
    sample.close()
    const circuit = await stranger.node.dial(multiaddr(way))
    const answers: boolean[] = []
    for (let index = 0; index < 3 * SIGNALS_PER_PEER_BURST; index++)
      answers.push(await isAnswered(circuit, offerOf(sdp)))
    // And one more for each ten seconds that a loaded machine takes.
    expect(answers.filter(Boolean).length).toBeLessThan(2 * SIGNALS_PER_PEER_BURST)
    expect(answers.slice(0, SIGNALS_PER_PEER_BURST)).not.toContain(false)
    // Longer than it takes to hear that the streams have ended.
    await new Promise((resolve) => setTimeout(resolve, 500))
    const direct = node.getConnections(stranger.node.peerId).filter(isDirect)
    expect(direct).toEqual([])
  })

  /** Offers a connection, and ends the stream when it was answered. */
  async function isAnswered(circuit: Connection, offer: Uint8Array): Promise<boolean> {
    const stream = await circuit.newStream(SIGNALING, { runOnLimitedConnection: true })
    const answered = new Promise<boolean>((resolve) => {
      stream.addEventListener('message', () => resolve(true), { once: true })
      stream.addEventListener('close', () => resolve(false), { once: true })
    })
    try {
      stream.send(offer)
    } catch {
      return false
    }
    const isOne = await answered
    stream.abort(new Error('enough'))
    return isOne
  }
})

/** A message of the type SDP_OFFER as protobuf, after its length: field 1 is 0, field 2 the text. */
function offerOf(sdp: string): Uint8Array {
  const text = new TextEncoder().encode(sdp)
  const message = [0x08, 0, 0x12, ...varint(text.length), ...text]
  return Uint8Array.from([...varint(message.length), ...message])
}

function varint(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >>> 7)]
}
