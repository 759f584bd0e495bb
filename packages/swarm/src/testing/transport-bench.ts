import { activationBytes } from '@layerswarm/model'
import {
  ADDRESS_CHARS_MAX,
  ADDRESSES_MAX,
  HASH_BYTES,
  INLINE_BYTES_MAX,
  NEIGHBOURS_MAX,
  PEER_ID_CHARS_MAX,
} from '../limits.ts'
import type { Transport } from '../ports.ts'
import type { ModelShape } from '../step.ts'
import {
  encodeMessage,
  type Hop,
  type Message,
  type PeerId,
  type Presence,
  type RequestId,
  type Step,
  type TensorHash,
} from '../wire/messages.ts'
import { type AcceptanceBench, until } from './acceptance.ts'
import { ANY_SIGNATURE, anyChain } from './any-chain.ts'
import { anyPresence } from './any-presence.ts'
import { PATIENCE_MS } from './limits.ts'

/** Transports to check, all in one lane. */
export interface TransportBench extends AcceptanceBench {
  /** Of the lane. */
  readonly release: string
  readonly shape: ModelShape
  /** Whatever was sent has arrived, or never will, within this: milliseconds of the bench's time. */
  readonly quietMs: number
  /** Least and most that a small message can take there and back between two of its members, milliseconds. */
  readonly roundTripMs: readonly [least: number, most: number]
  /** So many members, each connected to all the others. Called once. */
  makeTransports(count: number): Promise<readonly Transport[]>
  /** Ends a member; the others lose their connection to it, and notice. */
  end(peer: PeerId): Promise<void>
}

/** A transport, and everything that its listener was told. */
export interface Ear {
  readonly transport: Transport
  readonly heard: { readonly from: PeerId; readonly text: string }[]
  readonly gone: PeerId[]
  /** Stops listening. */
  readonly stop: () => void
}

/** Starts listening on a transport. */
export function listening(transport: Transport): Ear {
  const heard: Ear['heard'] = []
  const gone: PeerId[] = []
  const stop = transport.listen({
    messageArrived: (from, message) => heard.push({ from, text: textOf(message) }),
    peerDisconnected: (peer) => gone.push(peer),
  })
  return { transport, heard, gone, stop }
}

/** A message as text, so that two are the same when their bytes are. */
export function textOf(message: Message): string {
  return encodeMessage(message).join()
}

/** A member of a lane by its number. @throws Error when the lane is shorter. */
export function at<T>(lane: readonly T[], index: number): T {
  const member = lane[index]
  if (member === undefined) throw new Error(`there is no member ${index}`)
  return member
}

let requests = 0

/** A request that no other case asks. */
export function newRequest(): RequestId {
  return (++requests).toString(16).padStart(32, '0') as RequestId
}

/** The end of such a request. */
export function done(): Message {
  return { kind: 'done', isPublic: false, request: newRequest() }
}

/** The first step of such a request, its tensor in the message. */
export function firstStep({ self }: Transport, { shape: { tokens, width } }: TransportBench): Step {
  const bytes = new Uint8Array(activationBytes('float16', [1, tokens, width]))
  bytes.fill(requests)
  return {
    kind: 'step',
    input: undefined,
    next: undefined,
    silent: [],
    barred: [],
    isPrivate: false,
    request: newRequest(),
    requester: self,
    endsAtMs: 1_000,
    era: 0,
    route: [],
    chain: anyChain([], { isOpen: true }),
    plan: [],
    activation: { place: 'inline', dtype: 'float16', batch: 1, tokens, width, bytes },
    remainingMs: 1_000,
  }
}

/** A step further on, by the member that ran it: its tensor is held, and it names who goes on. */
export function namingStep(author: Transport, bench: TransportBench, next: PeerId): Step {
  const { tokens, width } = bench.shape
  const { self } = author
  const size = activationBytes('float16', [1, tokens, width])
  const hash = 'ab'.repeat(HASH_BYTES) as TensorHash
  return {
    ...firstStep(author, bench),
    input: 'cd'.repeat(HASH_BYTES) as TensorHash,
    next,
    requester: next,
    era: 1,
    route: [{ layer: 1, peer: self, backend: 'reference', ms: 5 }],
    chain: anyChain([self], { isOpen: false }),
    plan: [1, 0],
    activation: {
      place: 'held',
      dtype: 'float16',
      batch: 1,
      tokens,
      width,
      size,
      hash,
      holder: self,
    },
  }
}

/** Messages of every kind, each with and without what it may leave out; but the goodbye. */
export function everyMessage(author: Transport, bench: TransportBench, other: PeerId): Message[] {
  const request = newRequest()
  const claim = { kind: 'claim', request, era: 1, hop: 2, layer: 3 } as const
  const again = { kind: 'again', request, era: 1, hop: 2, signature: ANY_SIGNATURE } as const
  const first = firstStep(author, bench)
  return [
    { ...presenceOf(author, bench, 3), asking: true },
    first,
    { ...first, request: newRequest(), chain: anyChain([], { isOpen: false }), next: other },
    namingStep(author, bench, other),
    {
      ...namingStep(author, bench, other),
      chain: anyChain([author.self], { isOpen: true }),
      next: undefined,
      input: undefined,
    },
    { ...claim, lost: false, ttlMs: 500 },
    { ...claim, lost: true, ttlMs: 0 },
    { ...again, suspect: other, barred: [0, 65_535] },
    { ...again, suspect: undefined, barred: [] },
    { kind: 'done', isPublic: false, request },
    { kind: 'done', isPublic: true, request },
    { kind: 'hint', about: other },
  ]
}

/** The last that a member says. */
export function goodbye(author: Transport, bench: TransportBench): Presence {
  return { ...presenceOf(author, bench, 3), sequence: 2, leaving: true }
}

/** A step and a presence as large as their author may send them. */
export function largestMessages(author: Transport, bench: TransportBench): Message[] {
  const { layers, tokens, width } = bench.shape
  const { self } = author
  const batch = Math.floor(INLINE_BYTES_MAX / activationBytes('float16', [1, tokens, width]))
  const bytes = new Uint8Array(activationBytes('float16', [batch, tokens, width])).fill(7)
  const every = Array.from({ length: layers }, (_, layer) => layer)
  const route = every.map((layer): Hop => {
    const peer = `${layer}`.padStart(PEER_ID_CHARS_MAX, 'p') as PeerId
    return { layer, peer: layer === layers - 1 ? self : peer, backend: 'reference', ms: 60_000 }
  })
  const end = `/p2p/${self}`
  return [
    {
      ...namingStep(author, bench, self),
      route,
      chain: anyChain(
        route.map(({ peer }) => peer),
        { isOpen: false },
      ),
      plan: every,
      activation: { place: 'inline', dtype: 'float16', batch, tokens, width, bytes },
    },
    {
      ...presenceOf(author, bench, 3),
      layers: every,
      near: Array.from({ length: NEIGHBOURS_MAX }, (_, tag) => ({ tag, way: 9 })),
      addresses: Array.from(
        { length: ADDRESSES_MAX },
        (_, i) => `/dns4/${i}`.padEnd(ADDRESS_CHARS_MAX - end.length, 'x') + end,
      ),
    },
  ]
}

/** What a member that hosts layer 0 announces. */
export function presenceOf(
  { self }: Transport,
  { release }: TransportBench,
  links: number,
): Presence {
  return anyPresence({
    release,
    sequence: 1,
    layers: [0],
    addresses: [`/dns4/example.org/tcp/1/p2p/${self}`],
    links,
  })
}

/** How often an ear has heard just this message of this member. */
export function timesHeard({ heard }: Ear, { self }: Transport, message: Message): number {
  const text = textOf(message)
  return heard.filter((one) => one.from === self && one.text === text).length
}

/** Waits until an ear has heard just this message of this member. @throws Error when it does not. */
export function hearing(
  bench: TransportBench,
  { heard }: Ear,
  { self }: Transport,
  message: Message,
): Promise<void> {
  const text = textOf(message)
  const isHeard = () => heard.some((one) => one.from === self && one.text === text)
  return until(bench, `to hear a ${message.kind}`, isHeard, PATIENCE_MS)
}
