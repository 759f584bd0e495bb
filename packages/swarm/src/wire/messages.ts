import { ENGINE_NAMES } from '@layerswarm/model'
import {
  ACTIVATION_BYTES_MAX,
  ADDRESS_CHARS_MAX,
  ADDRESSES_MAX,
  CLAIM_TTL_MS_MAX,
  DEADLINE_MS_MAX,
  ERAS_MAX,
  HASH_BYTES,
  INLINE_BYTES_MAX,
  LAYERS_MAX,
  MESSAGE_BYTES_MAX,
  PEER_ID_CHARS_MAX,
  REQUEST_ID_BYTES,
} from '../limits.ts'
import * as wire from './codec.ts'

/** The name of a peer: a libp2p peer id. */
export type PeerId = string & { readonly brand: 'PeerId' }
/** 16 random bytes as hex. */
export type RequestId = string & { readonly brand: 'RequestId' }
/** SHA-256 of a tensor's bytes, hex. */
export type TensorHash = string & { readonly brand: 'TensorHash' }

/** Element types of a travelling activation: as computed, half, or one byte with a scale per token (packages/model, activation.ts). */
export const WIRE_DTYPES = ['float32', 'float16', 'int8'] as const

const layer = wire.u8(LAYERS_MAX - 1)
const peer = wire.token<PeerId>(PEER_ID_CHARS_MAX)
const request = wire.hex<RequestId>(REQUEST_ID_BYTES)

/** One layer applied to a request: who ran it, on what, in how many milliseconds of compute. */
const hop = wire.record({
  layer,
  peer,
  backend: wire.choice(ENGINE_NAMES),
  ms: wire.milliseconds(DEADLINE_MS_MAX),
})
/** One layer applied to a request: who ran it, on what, in how many milliseconds. */
export type Hop = wire.Of<typeof hop>

const shape = {
  dtype: wire.choice(WIRE_DTYPES),
  /** B, T, C */
  batch: wire.u16(),
  tokens: wire.u16(),
  width: wire.u16(),
}

/** The tensor between two hops: in the message itself, or by the hash under which its holder serves it. */
const activation = wire.union('place', {
  inline: wire.record({ ...shape, bytes: wire.bytes(INLINE_BYTES_MAX) }),
  held: wire.record({
    ...shape,
    hash: wire.hex<TensorHash>(HASH_BYTES),
    size: wire.u32(ACTIVATION_BYTES_MAX),
    holder: peer,
  }),
})
/** The tensor between two hops, (B, T, C): in the message, or held by a peer until it is pulled. */
export type Activation = wire.Of<typeof activation>
/** A tensor whose bytes are in the message. */
export type InlineActivation = Extract<Activation, { place: 'inline' }>
/** A tensor that its holder serves under the hash of its bytes. */
export type HeldActivation = Extract<Activation, { place: 'held' }>

/** Request r with the layers of `route` applied, and the activation that came out. */
const step = wire.record({
  request,
  requester: peer,
  /** Grows when a lost tensor sends the request back to an older step. */
  era: wire.u8(ERAS_MAX),
  route: wire.list(hop, LAYERS_MAX),
  /** Empty for any order; otherwise hop i may only be layer plan[i]. */
  plan: wire.list(layer, LAYERS_MAX),
  activation,
  /** Time left until the requester's deadline when this was sent. */
  remainingMs: wire.milliseconds(DEADLINE_MS_MAX),
})

/** "I am computing this layer on that step"; holds for `ttlMs`. */
const claim = wire.record({
  request,
  era: wire.u8(ERAS_MAX),
  hop: wire.u8(LAYERS_MAX),
  layer,
  ttlMs: wire.milliseconds(CLAIM_TTL_MS_MAX),
})

/** The requester has its answer, or gave up. */
const done = wire.record({ request })

/** What a provider offers, sent every few seconds and whenever it changes. */
const presence = wire.record({
  release: wire.hex<string>(HASH_BYTES),
  /** Grows with every presence of one session; a lower one is old news. */
  sequence: wire.u32(),
  layers: wire.list(layer, LAYERS_MAX),
  freeSlots: wire.u8(),
  /** Members of the lane to which it has a direct connection. */
  links: wire.u16(),
  layerMs: wire.milliseconds(DEADLINE_MS_MAX),
  backend: wire.choice(ENGINE_NAMES),
  addresses: wire.list(wire.token<string>(ADDRESS_CHARS_MAX), ADDRESSES_MAX),
  /** A newcomer asks everyone to answer at once. */
  asking: wire.flag,
  leaving: wire.flag,
})

const message = wire.union('kind', { step, claim, done, presence })
/** Everything that one peer says to others. */
export type Message = wire.Of<typeof message>
/** A request as far as it has come: the layers applied, by whom, and the activation that came out. */
export type Step = Extract<Message, { kind: 'step' }>
/** A provider is computing a layer on a step; with a time to live of 0 it will not, or not any more. */
export type Claim = Extract<Message, { kind: 'claim' }>
/** A requester needs nothing more for this request. */
export type Done = Extract<Message, { kind: 'done' }>
/** What a member hosts and how busy and fast it is. */
export type Presence = Extract<Message, { kind: 'presence' }>

/** Writes a message; the first byte of the result is the protocol's version. */
export function encodeMessage(value: Message): Uint8Array {
  const out = new wire.Writer()
  out.u8(PROTOCOL_VERSION)
  message.write(out, value)
  return out.finish()
}

/** Reads a message from untrusted bytes. @throws SwarmError `bad-message`, nothing else. */
export function decodeMessage(bytes: Uint8Array): Message {
  if (bytes.length > MESSAGE_BYTES_MAX)
    throw wire.badMessage(`${bytes.length} bytes where ${MESSAGE_BYTES_MAX} are allowed`)
  const from = new wire.Reader(bytes)
  const version = from.u8()
  if (version !== PROTOCOL_VERSION)
    throw wire.badMessage(`protocol version ${version}, this peer speaks ${PROTOCOL_VERSION}`)
  const value = message.read(from)
  from.end()
  return value
}

/** The first byte of every message; a peer refuses messages of another version. */
export const PROTOCOL_VERSION = 1
/** Where presence goes; bootstrap nodes are members of this topic and of no lane. */
export const PRESENCE_TOPIC = `layerswarm/${PROTOCOL_VERSION}/presence`
/** The gossip topic in which a group of peers serves one release. */
export function laneTopic(release: string, lane = 0): string {
  return `layerswarm/${PROTOCOL_VERSION}/${release}/lane/${lane}`
}

/** The topic in which a message of this kind travels. */
export function topicOf(kind: Message['kind'], release: string): string {
  return kind === 'presence' ? PRESENCE_TOPIC : laneTopic(release)
}
