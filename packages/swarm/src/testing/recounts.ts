import type { Activation, Message, PeerId, RequestId } from '../wire/messages.ts'

type IsInput = (activation: Activation, bytes: Uint8Array) => boolean

/** A recomputation that a peer was named for. */
interface Due {
  readonly request: RequestId
  readonly plan: readonly number[]
  readonly activation: Activation
  readonly untilMs: number
  readonly first: number
  /** The hop that it comes to next. */
  hop: number
}

/**
 * What a peer could guess of the layers that it runs: those of steps that are not worth asking a whole lane for are
 * audits. For liars that spare, or accuse, whom they are to check.
 */
export class Recounts {
  private readonly self: PeerId
  private readonly nowMs: () => number
  private readonly isInput: IsInput
  /** The one that it was named for last. */
  private due: Due | undefined

  /** @param isInput whether bytes are those of a tensor, where that can be told. */
  constructor(self: PeerId, nowMs: () => number, isInput: IsInput = () => true) {
    this.self = self
    this.isInput = isInput
    this.nowMs = nowMs
  }

  /** Notes what the peer hears. */
  heard(message: Message): void {
    if (message.kind === 'done' && message.request === this.due?.request) this.due = undefined
    if (message.kind !== 'step' || !message.isPrivate || message.next !== this.self) return
    const { request, plan, route, activation, remainingMs } = message
    this.due = {
      request,
      plan,
      activation,
      first: route.length,
      hop: route.length,
      untilMs: this.nowMs() + remainingMs,
    }
  }

  /** Whether a layer that it runs now is run again. */
  take(layer: number, hop: number, input: Uint8Array): boolean {
    const { due } = this
    if (due === undefined || due.hop !== hop || due.plan[hop] !== layer) return false
    if (due.hop === due.first && !this.isInput(due.activation, input)) return false
    due.hop++
    return due.untilMs > this.nowMs()
  }
}
