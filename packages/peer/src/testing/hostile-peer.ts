import { generateKeyPairSync } from 'node:crypto'
import {
  encodeMessage,
  type Message,
  type PeerId,
  type Transport,
  topicOf,
} from '@layerswarm/swarm'
import { type AttackPorts, sealedThrough } from '@layerswarm/swarm/testing'
import { privateKeyFromRaw, publicKeyToProtobuf } from '@libp2p/crypto/keys'
import type { Message as GossipMessage } from '@libp2p/gossipsub'
import type { PrivateKey } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { signing } from '../gossip/signatures.ts'
import { shapeOf } from '../network.ts'
import { PEER_DEFAULTS } from '../options.ts'
import { openSession } from '../session.ts'
import { createSystemClock, systemRandom } from '../system-ports.ts'
import { BACKOFF_SECONDS, GOSSIP_KEPT_MAX } from './limits.ts'

/**
 * A peer of real connections that says whatever it is made to: the ports of an attack (`startAttack` of
 * packages/lab), and how it fares. What its own member would say is kept back, presence excepted.
 */
export interface HostilePeer extends AttackPorts {
  /** Lets it overhear what was said between others. */
  overhear(from: PeerId, message: Message): void
  /** Asks each neighbour so many times for a place in its mesh, from which it has taken itself. */
  graft(times: number): void
  stop(): Promise<void>
}

/** A key for the purpose, and the name that belongs to it. */
interface Stranger {
  readonly privateKey: PrivateKey
  readonly name: PeerId
}

/** What of gossipsub says a message that another has signed; its types do not name it. */
interface GossipWire {
  publishConfig: unknown
  sendRpc(to: string, rpc: unknown): boolean
}

/**
 * Joins a swarm of real peers. @param join URL of its server.
 * @throws PeerError as `Peer.start` does.
 */
export async function openHostilePeer(join: string): Promise<HostilePeer> {
  let hostedMs: number | undefined
  const disguised = (message: Message): Message | undefined => {
    if (message.kind !== 'presence') return undefined
    if (hostedMs === undefined) return message
    const layers = Array.from({ length: shape.layers }, (_, layer) => layer)
    return { ...message, layers, freeSlots: 8, layerMs: hostedMs, asking: false, measured: true }
  }
  const options = { ...PEER_DEFAULTS, join, serve: 'none', webrtc: false } as const
  const session = await openSession(
    { ...options, wrapTransport: (transport) => onlyPresence(transport, disguised) },
    { step: () => undefined, serverChanged: () => undefined, peerRefused: () => undefined },
    new AbortController().signal,
  )
  const { node, transport, release, manifest } = session
  const shape = shapeOf(manifest)
  const clock = createSystemClock()
  const strangers = new Map<number, Stranger>()
  const named = new Map<PeerId, Stranger>()
  const overheard: ((from: PeerId, message: Message) => void)[] = []
  const gossip = rememberGossip(session.node)
  let isStopped = false

  function strangerAt(index: number): Stranger {
    const known = strangers.get(index)
    if (known !== undefined) return known
    const privateKey = throwAwayKey()
    const stranger = { privateKey, name: peerIdFromPrivateKey(privateKey).toString() as PeerId }
    strangers.set(index, stranger)
    named.set(stranger.name, stranger)
    return stranger
  }
  const overhear = (from: PeerId, message: Message) => {
    for (const heard of overheard) heard(from, message)
  }
  transport.listen({ messageArrived: overhear, peerDisconnected: () => undefined })

  return {
    transport,
    clock,
    random: systemRandom,
    release: release.id,
    shape,
    lane: () => transport.lane,
    isThere: () => !isStopped,
    stranger: (index) => strangerAt(index).name,
    seal(author, step, sealed) {
      const stranger = named.get(author)
      const { sign } = stranger === undefined ? transport : signing(stranger.privateKey)
      sealedThrough(sign, author, step, release.id, sealed)
    },
    forge(author, message) {
      const stranger = named.get(author)
      const topic = topicOf(message.kind, release.id, transport.lane)
      if (stranger !== undefined) return publishAs(node, stranger, topic, message)
      const raw = gossip.find(author, message)
      for (const to of transport.neighbours())
        if (raw === undefined) transport.tell(message, to)
        else wireOf(node).sendRpc(to, { subscriptions: [], messages: [raw] })
    },
    eavesdrop: (heard) => overheard.push(heard),
    host: (layerMs) => {
      hostedMs = layerMs
    },
    overhear,
    graft(times) {
      const topicID = topicOf('step', release.id, transport.lane)
      const control = {
        prune: [{ topicID, backoff: BACKOFF_SECONDS, peers: [] }],
        graft: Array.from({ length: times }, () => ({ topicID })),
      }
      for (const to of transport.neighbours())
        wireOf(node).sendRpc(to, { subscriptions: [], messages: [], control })
    },
    async stop() {
      isStopped = true
      clock.cancelAll()
      await session.close()
    },
  }
}

/** A transport over which its member says no more than that it is there. */
function onlyPresence(
  transport: Transport,
  disguised: (message: Message) => Message | undefined,
): Transport {
  const passing = (message: Message, say: (message: Message) => void) => {
    const shown = disguised(message)
    if (shown !== undefined) say(shown)
  }
  return {
    ...transport,
    publish: (message) => passing(message, (shown) => transport.publish(shown)),
    tell: (message, to) => passing(message, (shown) => transport.tell(shown, to)),
    // Whoever is hostile bans nobody.
    ban: () => undefined,
  }
}

function throwAwayKey(): PrivateKey {
  const { d = '', x = '' } = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' })
  return privateKeyFromRaw(
    Buffer.concat([Buffer.from(d, 'base64url'), Buffer.from(x, 'base64url')]),
  )
}

type Node = Awaited<ReturnType<typeof openSession>>['node']

function wireOf({ services }: Node): GossipWire {
  return services.pubsub as unknown as GossipWire
}

/** Publishes once with another key: gossipsub looks at its own before it first waits. */
function publishAs(node: Node, { privateKey }: Stranger, topic: string, message: Message): void {
  const wire = wireOf(node)
  const own = wire.publishConfig as object
  const { publicKey } = privateKey
  const key = publicKeyToProtobuf(publicKey)
  wire.publishConfig = { ...own, author: peerIdFromPrivateKey(privateKey), key, privateKey }
  // Cut off, it has nobody to say it to.
  node.services.pubsub.publish(topic, encodeMessage(message)).catch(() => undefined)
  wire.publishConfig = own
}

/** What was gossiped, as its authors signed it. */
function rememberGossip(node: Node) {
  const { pubsub } = node.services
  const kept = new Map<string, object>()
  const nameOf = (author: string, data: Uint8Array) =>
    `${author} ${Buffer.from(data).toString('base64')}`
  function remember(raw: GossipMessage): void {
    if (raw.type !== 'signed') return
    const seqno = Buffer.alloc(8)
    seqno.writeBigUInt64BE(raw.sequenceNumber)
    kept.set(nameOf(raw.from.toString(), raw.data), {
      from: raw.from.toMultihash().bytes,
      data: raw.data,
      seqno,
      topic: raw.topic,
      signature: raw.signature,
      key: publicKeyToProtobuf(raw.key),
    })
    const [oldest] = kept.keys()
    if (kept.size > GOSSIP_KEPT_MAX && oldest !== undefined) kept.delete(oldest)
  }
  for (const [topic, validate] of pubsub.topicValidators)
    pubsub.topicValidators.set(topic, (source, raw) => {
      remember(raw)
      return validate(source, raw)
    })
  return {
    find: (author: string, message: Message) => kept.get(nameOf(author, encodeMessage(message))),
  }
}
