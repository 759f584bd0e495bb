import { activationBytes } from '@layerswarm/model'
import type { Transport } from '../ports.ts'
import type { ModelShape } from '../step.ts'
import {
  encodeMessage,
  type Message,
  type PeerId,
  type Presence,
  type RequestId,
  type Step,
} from '../wire/messages.ts'
import type { AcceptanceBench } from './acceptance.ts'
import { anyPresence } from './any-presence.ts'

/** Transports to check, all in one lane. */
export interface TransportBench extends AcceptanceBench {
  /** Of the lane. */
  readonly release: string
  readonly shape: ModelShape
  /** Whatever was sent has arrived, or never will, within this: milliseconds of the bench's time. */
  readonly quietMs: number
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
export function at(lane: readonly Ear[], index: number): Ear {
  const ear = lane[index]
  if (ear === undefined) throw new Error(`there is no member ${index}`)
  return ear
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
    request: newRequest(),
    requester: self,
    era: 0,
    route: [],
    plan: [],
    activation: { place: 'inline', dtype: 'float16', batch: 1, tokens, width, bytes },
    remainingMs: 1_000,
  }
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
