import type { Message, PeerId } from '../wire/messages.ts'

/**
 * What a peer could guess of the layers that it runs: those of steps that are not worth asking a whole lane for are
 * audits. For liars that spare, or accuse, whom they are to check.
 */
export class Recounts {
  private readonly self: PeerId
  private readonly nowMs: () => number
  /** By hop and layer, until when. */
  private readonly due = new Map<string, number>()

  constructor(self: PeerId, nowMs: () => number) {
    this.self = self
    this.nowMs = nowMs
  }

  /** Notes what the peer hears. */
  heard(message: Message): void {
    if (message.kind !== 'step' || !message.isPrivate || message.next !== this.self) return
    const { plan, route, remainingMs } = message
    for (let hop = route.length; hop < plan.length; hop++)
      this.due.set(`${hop} ${plan[hop]}`, this.nowMs() + remainingMs)
  }

  /** Whether a layer that it runs now is run again. */
  take(layer: number, hop: number): boolean {
    const key = `${hop} ${layer}`
    const untilMs = this.due.get(key) ?? 0
    this.due.delete(key)
    return untilMs > this.nowMs()
  }
}
