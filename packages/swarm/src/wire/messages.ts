import { ENGINE_NAMES, type EngineName } from '@layerswarm/model'
import {
  ACTIVATION_BYTES_MAX,
  ADDRESS_CHARS_MAX,
  ADDRESSES_MAX,
  BARRED_MAX,
  CHAIN_MAX,
  CLAIM_TTL_MS_MAX,
  DEADLINE_MS_MAX,
  ERAS_MAX,
  HASH_BYTES,
  INLINE_BYTES_MAX,
  LANES_MAX,
  LAYERS_MAX,
  MESSAGE_BYTES_MAX,
  NEIGHBOURS_MAX,
  PEER_ID_CHARS_MAX,
  REQUEST_ID_BYTES,
  SIGNATURE_BYTES,
  SILENT_MAX,
} from '../limits.ts'
import * as wire from './codec.ts'
import { MIXED_MARK } from './limits.ts'
import { peerId } from './peer-id.ts'
import { isMixed, readWeights, type Weighted, weightsBytes, writeWeights } from './weights.ts'

/** The name of a peer: a libp2p peer id. */
export type PeerId = string & { readonly brand: 'PeerId' }
/** 16 random bytes as hex. */
export type RequestId = string & { readonly brand: 'RequestId' }
/** 64 bytes as hex: what an Ed25519 key made of a statement. */
export type Signature = string & { readonly brand: 'Signature' }
/** SHA-256 of a tensor's bytes, hex. */
export type TensorHash = string & { readonly brand: 'TensorHash' }

/** Element types of a travelling activation: as computed, half, or one byte with a scale per token (packages/model, activation.ts). */
export const WIRE_DTYPES = ['float32', 'float16', 'int8'] as const

const layer = wire.u8(LAYERS_MAX - 1)
const peer = peerId<PeerId>(PEER_ID_CHARS_MAX)
const hash = wire.hex<TensorHash>(HASH_BYTES)
const request = wire.hex<RequestId>(REQUEST_ID_BYTES)
const signature = wire.hex<Signature>(SIGNATURE_BYTES)
const barred = wire.list(wire.u16(), BARRED_MAX)

/** One layer applied to a request: who ran it, on what, in how many milliseconds of compute. */
export interface Hop extends Weighted {
  readonly layer: number
  readonly peer: PeerId
  readonly backend: EngineName
  readonly ms: number
}

/** Hops in a row on one peer: its name is written once. */
const visit = wire.record({
  peer,
  backend: wire.choice(ENGINE_NAMES),
  layers: wire.list(wire.record({ layer, ms: wire.milliseconds(DEADLINE_MS_MAX) }), LAYERS_MAX),
})
const visits = wire.list(visit, LAYERS_MAX)

/** Hops on the wire as visits; a visit has a layer at least, all of them together at most LAYERS_MAX. */
const route: wire.Field<readonly Hop[]> = {
  write: (out, hops) => visits.write(out, visitsOf(hops)),
  read(from) {
    const hops = visits.read(from).flatMap(({ peer, backend, layers }) => {
      if (layers.length === 0) throw wire.badMessage('a visit without a layer')
      return layers.map(({ layer, ms }) => ({ layer, peer, backend, ms }))
    })
    if (hops.length > LAYERS_MAX)
      throw wire.badMessage(`${hops.length} hops where ${LAYERS_MAX} are allowed`)
    return hops
  },
}

function visitsOf(hops: readonly Hop[]) {
  const found: { peer: PeerId; backend: EngineName; layers: { layer: number; ms: number }[] }[] = []
  for (const { peer, backend, layer, ms } of hops) {
    const last = found.at(-1)
    if (last?.peer === peer && last.backend === backend) last.layers.push({ layer, ms })
    else found.push({ peer, backend, layers: [{ layer, ms }] })
  }
  return found
}

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
    hash,
    size: wire.u32(ACTIVATION_BYTES_MAX),
    /** Absent where whoever ran the last layer holds it, or the requester before the first. */
    holder: wire.optional(peer),
  }),
})
type WireActivation = wire.Of<typeof activation>
/** The tensor between two hops, (B, T, C): in the message, or held by a peer until it is pulled. */
export type Activation =
  | Extract<WireActivation, { place: 'inline' }>
  | (Omit<Extract<WireActivation, { place: 'held' }>, 'holder'> & { readonly holder: PeerId })
/** A tensor whose bytes are in the message. */
export type InlineActivation = Extract<Activation, { place: 'inline' }>
/** A tensor that its holder serves under the hash of its bytes. */
export type HeldActivation = Extract<Activation, { place: 'held' }>

/**
 * One who was in charge of a request says who is next, and signs that with all that came before. The first
 * link of a chain is its requester's, each other one of whoever the link before has put in charge.
 */
const link = wire.record({
  /** Layers applied when it was said. */
  hop: wire.u8(LAYERS_MAX),
  /** Who says it, where it is not the requester's and nobody has run a layer since the link before. */
  by: wire.optional(peer),
  /** It puts anybody in charge; otherwise whoever says the next link, or whom the step names. */
  isOpen: wire.flag,
  /** The hash of the tensor that it hands on; absent in the last one, whose tensor is the step's. */
  tensor: wire.optional(hash),
  signature,
})
/** One who was in charge of a request says who is next. */
export type Link = wire.Of<typeof link>

/** Request r with the layers of `route` applied, and the activation that came out. */
const wireStep = wire.record({
  request,
  requester: peer,
  /** When the request ends, by its requester's own clock. */
  endsAtMs: wire.instant,
  /** Grows when its requester sends the request back to an older step. */
  era: wire.u8(ERAS_MAX),
  route,
  /** Who was in charge, from the requester to whoever says this. */
  chain: wire.list(link, CHAIN_MAX),
  /** Empty for any order; otherwise hop i may only be layer plan[i]. */
  plan: wire.list(layer, LAYERS_MAX),
  activation,
  /** The hash of what the last visit ran on, where that was a held tensor: an output equal to it is refused. */
  input: wire.optional(hash),
  /** Whom its author chose to go on, and sends the tensor to; undefined: whoever answers first. */
  next: wire.optional(peer),
  /** Who was waited for in vain on its way: whoever goes on need not find that out again. */
  silent: wire.list(peer, SILENT_MAX),
  /** Whom its requester wants to have no part in it, by their tags (presence/near.ts). */
  barred,
  /** Not worth asking a whole lane for: where nobody is to be named it ends. */
  isPrivate: wire.flag,
  /** Time left until then when this was sent: for those who do not know that clock. */
  remainingMs: wire.milliseconds(DEADLINE_MS_MAX),
})

/** Who holds a step's tensor unless it says otherwise. */
function usualHolder({ route, requester }: Pick<WireStep, 'route' | 'requester'>): PeerId {
  return route.at(-1)?.peer ?? requester
}

type WireStep = wire.Of<typeof wireStep>
type NamedStep = Omit<WireStep, 'activation'> & { readonly activation: Activation }

/** A step's tensor is mostly held by whoever ran the last layer, whose name stands in the route already. */
const step: wire.Field<NamedStep> = {
  write(out, value) {
    const { activation } = value
    const isUsual = activation.place === 'held' && activation.holder === usualHolder(value)
    wireStep.write(out, {
      ...value,
      activation: isUsual ? { ...activation, holder: undefined } : activation,
    })
  },
  read(from) {
    const { activation, ...value } = wireStep.read(from)
    if (activation.place === 'inline') return { ...value, activation }
    const holder = activation.holder ?? usualHolder(value)
    return { ...value, activation: { ...activation, holder } }
  },
}

/** "I am computing this layer on that step"; holds for `ttlMs`, and 0 means that its author is not, or not any more. */
const claim = wire.record({
  request,
  era: wire.u8(ERAS_MAX),
  hop: wire.u8(LAYERS_MAX),
  layer,
  ttlMs: wire.milliseconds(CLAIM_TTL_MS_MAX),
  /** The step's tensor could not be had: its holder is gone, or has it no more. */
  lost: wire.flag,
})

/** The requester asks the author of a step to choose again, in a new era: whoever it chose is silent. */
const again = wire.record({
  request,
  era: wire.u8(ERAS_MAX),
  hop: wire.u8(LAYERS_MAX),
  suspect: wire.optional(peer),
  /** As in the step that it makes of its author's. */
  barred,
  /** The requester's link, with which the step goes on in the new era. */
  signature,
})

/** The requester has its answer, or gave up. */
const done = wire.record({
  request,
  /** The whole lane may work on it, because it was left to whoever answers first: to be passed on. */
  isPublic: wire.flag,
})

/** A requester has found out that somebody does not compute what it says: others may want to look. No verdict follows from it. */
const hint = wire.record({ about: peer })

/** A tensor of a round: in the message, or held by whoever sends the message. */
const roundTensor = wire.union('place', {
  inline: wire.record({ ...shape, bytes: wire.bytes(INLINE_BYTES_MAX) }),
  held: wire.record({ ...shape, hash, size: wire.u32(ACTIVATION_BYTES_MAX) }),
})
/** A tensor of a round, (B, T, C): in the message, or held by whoever sends it. */
export type RoundTensor = wire.Of<typeof roundTensor>

/** The hub of a request asks for layers on one input: the sum of their updates is to come back. Told, never gossiped. */
const round = wire.record({
  request,
  /** Rounds of the request before it. */
  round: wire.u8(LAYERS_MAX - 1),
  layers: wire.list(layer, LAYERS_MAX),
  input: roundTensor,
  /** Time left until the request ends. */
  remainingMs: wire.milliseconds(DEADLINE_MS_MAX),
})

/** What layers add to the input of a round, summed; without layers, its author will not run what it was asked for. */
const update = wire.record({
  request,
  round: wire.u8(LAYERS_MAX - 1),
  /** The hash of the input that they ran on. */
  input: hash,
  backend: wire.choice(ENGINE_NAMES),
  layers: wire.list(wire.record({ layer, ms: wire.milliseconds(DEADLINE_MS_MAX) }), LAYERS_MAX),
  sum: wire.optional(roundTensor),
})

/** A member by 16 bits of the draw of its name, and the way there and back on a logarithmic scale (presence/near.ts). */
const neighbour = wire.record({ tag: wire.u16(), way: wire.u8() })

/**
 * What a provider offers, sent every few seconds and whenever it changes. Now and then, and to whoever is
 * new, it is whole; the others leave out what was said before.
 */
const presence = wire.record({
  release: wire.hex<string>(HASH_BYTES),
  /** The lane that it is about: that of the topic in which it travels. */
  lane: wire.u16(LANES_MAX - 1),
  /** Grows with every presence of one session; a lower one is old news. */
  sequence: wire.u32(),
  /** Its own clock when it said this: what it asks ends by it. */
  clockMs: wire.instant,
  layers: wire.list(layer, LAYERS_MAX),
  /** Work that it would take on besides what it has; 0 without layers: it only asks. */
  freeSlots: wire.u8(),
  /** Members of the lane to which it has a direct connection. */
  links: wire.u16(),
  layerMs: wire.milliseconds(DEADLINE_MS_MAX),
  /** Whether `layerMs` was measured by running layers of this release; otherwise it is only the median of others'. */
  measured: wire.flag,
  /** Access speeds as measured, bytes per millisecond; 0 is not known. */
  upload: wire.u16(),
  download: wire.u16(),
  /** Part of the strangers it chose that let it down, in 255ths. */
  strangersFail: wire.u8(),
  /** Members it has a direct connection to, and how far they are: all in a whole one, otherwise what has changed. */
  near: wire.list(neighbour, NEIGHBOURS_MAX),
  backend: wire.choice(ENGINE_NAMES),
  /** Where it can be dialled; undefined in one that is not whole: where it said last. */
  addresses: wire.optional(wire.list(wire.token<string>(ADDRESS_CHARS_MAX), ADDRESSES_MAX)),
  /** A newcomer asks everyone to answer at once. */
  asking: wire.flag,
  leaving: wire.flag,
  /** Of one who leaves: only this lane, for another one; connections to it stay for what is in flight. */
  moving: wire.flag,
})

const kinds = {
  step,
  claim,
  done,
  presence: presence as wire.Field<wire.Of<typeof presence> & Weighted>,
  again,
  hint,
  round,
  update,
}
const plain = wire.union('kind', kinds)
/** Everything that one peer says to others. */
export type Message = wire.Of<typeof plain>

/** Of which releases its layers are comes first, behind MIXED_MARK, unless all are of the lane's. */
const message: wire.Field<Message> = {
  write(out, value) {
    const row = weightedIn(value)
    if (isMixed(row)) {
      out.u8(MIXED_MARK)
      writeWeights(out, row)
    }
    plain.write(out, value)
  },
  read(from) {
    if (from.peek() !== MIXED_MARK) return plain.read(from)
    from.u8()
    const row = readWeights(from)
    return withWeights(plain.read(from), row)
  },
}

/** What of a message is of some release. */
function weightedIn(value: Message): readonly Weighted[] {
  if (value.kind === 'step') return value.route
  return value.kind === 'presence' ? [value] : []
}

function withWeights(value: Message, row: readonly Weighted[]): Message {
  if (weightedIn(value).length !== row.length)
    throw wire.badMessage('releases of other layers than there are')
  if (value.kind === 'step')
    return { ...value, route: value.route.map((hop, at) => ({ ...hop, ...row[at] })) }
  const [of] = row
  if (value.kind !== 'presence' || of?.weights === value.release)
    throw wire.badMessage("the lane's release is not named apart")
  return { ...value, ...of }
}

/** A request as far as it has come: the layers applied, by whom, and the activation that came out. */
export type Step = Extract<Message, { kind: 'step' }>
/** A provider is computing a layer on a step; with a time to live of 0 it will not, or not any more. */
export type Claim = Extract<Message, { kind: 'claim' }>
/** A requester needs nothing more for this request. */
export type Done = Extract<Message, { kind: 'done' }>
/** A requester asks the author of a step to choose again. */
export type Again = Extract<Message, { kind: 'again' }>
/** A requester says whom it has found out: a hint, never a verdict. */
export type Hint = Extract<Message, { kind: 'hint' }>
/** A hub asks for layers on one input. */
export type Round = Extract<Message, { kind: 'round' }>
/** The sum of what layers of a round add to its input. */
export type Update = Extract<Message, { kind: 'update' }>
/** A member and how far it is, as another announces it. */
export type Neighbour = wire.Of<typeof neighbour>
/** What a member hosts and how busy and fast it is. */
export type Presence = Extract<Message, { kind: 'presence' }>

/** In which messages are written, one after another. */
const room = new wire.Writer()

/** Writes a message; the first byte of the result is the protocol's version. */
export function encodeMessage(value: Message): Uint8Array {
  room.clear()
  room.u8(PROTOCOL_VERSION)
  message.write(room, value)
  return room.finish()
}

/**
 * The kind that bytes claim to be, read without the rest; undefined for none that there is. For those
 * who must count a message before they read it.
 */
export function kindOf(bytes: Uint8Array): Message['kind'] | undefined {
  const at = bytes[1] === MIXED_MARK ? 2 + weightsBytes(bytes.subarray(2)) : 1
  return Object.keys(kinds)[bytes[at] ?? Number.NaN] as Message['kind'] | undefined
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
export const PROTOCOL_VERSION = 5
