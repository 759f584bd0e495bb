import type { Transport } from '../ports.ts'
import type { ModelShape } from '../step.ts'
import { encodeMessage, type Message, type PeerId } from '../wire/messages.ts'
import type { AcceptanceBench } from './acceptance.ts'

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
