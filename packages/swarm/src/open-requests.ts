import type { MemberEvent } from './effects.ts'
import { SwarmError } from './errors.ts'
import { failureLine } from './failure.ts'
import type { Answer, Progress } from './request.ts'
import type { RequestId } from './wire/messages.ts'

interface Waiting {
  resolve(answer: Answer): void
  reject(error: SwarmError): void
  readonly listeners: Set<(progress: Progress) => void>
}

/**
 * The requests of a member that have not ended, and who waits for them.
 *
 * 1. A promise is kept or broken once, by the event that ends its request.
 * 2. Whoever listens to the progress of a request hears of no other.
 */
export class OpenRequests {
  private readonly waiting = new Map<RequestId, Waiting>()
  private readonly asked = new Set<RequestId>()

  /** Somebody waits for a promise. @param listeners who hears how far the request has come. */
  promise(request: RequestId, listeners: Set<(progress: Progress) => void>): Promise<Answer> {
    return new Promise<Answer>((resolve, reject) =>
      this.waiting.set(request, { resolve, reject, listeners }),
    )
  }

  /** Somebody waits for the event alone. */
  note(request: RequestId): void {
    this.asked.add(request)
  }

  /** Those that have not ended: first those with a promise. */
  all(): RequestId[] {
    return [...this.waiting.keys(), ...this.asked]
  }

  /** Whether it has not ended. */
  has(request: RequestId): boolean {
    return this.waiting.has(request) || this.asked.has(request)
  }

  /** Something happened that may concern one of them. */
  heard(event: MemberEvent): void {
    switch (event.type) {
      case 'answered':
        this.end(event.answer.request)?.resolve(event.answer)
        break
      case 'failed': {
        const { request, fault } = event
        this.end(request)?.reject(new SwarmError(fault, failureLine(fault)))
        break
      }
      case 'progressed':
        for (const listener of this.waiting.get(event.request)?.listeners ?? []) listener(event)
        break
    }
  }

  private end(request: RequestId): Waiting | undefined {
    const waiting = this.waiting.get(request)
    this.waiting.delete(request)
    this.asked.delete(request)
    return waiting
  }
}
