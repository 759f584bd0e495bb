import { ERAS_MAX } from '../limits.ts'
import type { Claim, PeerId, RequestId, Step } from '../wire/messages.ts'
import { DISBELIEVED_MAX } from './limits.ts'
import type { Pending } from './pending.ts'

/** A tensor that is said to be gone with its holder. */
interface Loss {
  readonly holder: PeerId
  readonly by: PeerId
}

/**
 * What is said of lost tensors, and by whom: each word of a loss sends a request back.
 *
 * 1. One peer's word counts once per request, so nobody sends a request back twice.
 * 2. Whoever called a tensor lost whose holder is heard of the same request afterwards is not believed again.
 * 3. A step that nobody was named for is not taken from a holder whose tensor of the same request was lost.
 */
export class Losses {
  private readonly byRequest = new Map<RequestId, Loss[]>()
  private readonly disbelieved = new Set<PeerId>()

  /** Somebody calls the newest tensor of a request lost. @returns whether that counts; it does not a second time. */
  isBelieved({ request, newest }: Pending, by: PeerId): boolean {
    if (this.disbelieved.has(by)) return false
    const losses = this.byRequest.get(request) ?? []
    if (losses.some((loss) => loss.by === by)) return false
    const { activation } = newest
    const holder = activation.place === 'held' ? activation.holder : newest.requester
    this.byRequest.set(request, [...losses, { holder, by }])
    return true
  }

  /** Somebody says a step of a request, naming another than who called it lost: it is not gone with what it holds. */
  heard({ request, next }: Step, from: PeerId): void {
    for (const { holder, by } of this.byRequest.get(request) ?? [])
      if (holder === from && next !== undefined && next !== by) this.disbelieve(by)
  }

  /** Whether a step goes on, in the name of nobody, with what somebody holds whose tensor was lost. */
  isRefused({ request, newest }: Pending, { route, next }: Step): boolean {
    const author = route.at(-1)?.peer
    if (newest.next !== undefined || next === author) return false
    return (this.byRequest.get(request) ?? []).some(({ holder }) => holder === author)
  }

  /** The request has ended. */
  end(request: RequestId): void {
    this.byRequest.delete(request)
  }

  private disbelieve(peer: PeerId): void {
    this.disbelieved.add(peer)
    if (this.disbelieved.size > DISBELIEVED_MAX)
      this.disbelieved.delete(this.disbelieved.values().next().value as PeerId)
  }
}

/**
 * Whether a tensor is gone with its holder, so that nobody can go on from it: that of `step` by the word of
 * whoever was to, that of a later one by the word of somebody who ran a layer before. The first one is the
 * requester's own.
 */
export function isLoss({ era, route, next }: Step, from: PeerId, claim: Claim): boolean {
  if (claim.era !== era || claim.hop === 0 || era >= ERAS_MAX) return false
  const isOfNewest = claim.hop === route.length
  return (isOfNewest && (next ?? from) === from) || route.some(({ peer }) => peer === from)
}
