import type { Withholding } from '../fetch/withholding.ts'
import { ERAS_MAX } from '../limits.ts'
import type { Claim, PeerId, RequestId, Step } from '../wire/messages.ts'
import type { Pending } from './pending.ts'

/** What one peer has said of the tensors of a request. */
interface Word {
  /** Whose tensor was gone, by the first word that counted. */
  lost: PeerId | undefined
  /** Those who had named it and whose tensors it waited for in vain. */
  readonly inVain: Set<PeerId>
}

/**
 * What is said of lost tensors, and by whom: each word of a loss sends a request back.
 *
 * 1. One peer's word counts once per request, so nobody sends a request back twice, and once against each holder.
 * 2. Whoever calls most tensors lost that it is sent is believed only of a holder that hands out no more.
 * 3. Whoever is named no longer has less of a say: it takes two that could not have the same holder's tensor.
 * 4. A step that nobody was named for is not taken from a holder whose tensor of the same request was lost.
 */
export class Losses {
  private readonly byRequest = new Map<RequestId, Map<PeerId, Word>>()
  private readonly withholding: Withholding

  constructor(withholding: Withholding) {
    this.withholding = withholding
  }

  /** Somebody calls a tensor of a request lost. @returns whether that sends the request back. */
  counts(wanted: Pending, by: PeerId, claim: Claim, nowMs: number): boolean {
    const { newest, request } = wanted
    const { activation, requester, route, era } = newest
    const holder = activation.place === 'held' ? activation.holder : requester
    if (era >= ERAS_MAX || claim.era !== era || !this.withholding.isBelieved(by, holder))
      return false
    // Whom its holder had named: of others nobody knows whether it had anything for them.
    const wasNamed = claim.hop === route.length && wanted.hasNamed(by)
    const isLost = isLoss(newest, by, claim)
    if (!isLost && !wasNamed) return false
    const words = this.byRequest.get(request) ?? new Map<PeerId, Word>()
    const word = words.get(by) ?? { lost: undefined, inVain: new Set() }
    this.byRequest.set(request, words.set(by, word))
    if (wasNamed && !word.inVain.has(holder)) {
      word.inVain.add(holder)
      this.withholding.inVain(newest, by, nowMs)
    }
    if (word.lost !== undefined) return false
    const isSecond = this.isLostOf(request, holder)
    word.lost = holder
    return isLost || isSecond
  }

  /** Whether a step goes on, in the name of nobody, with what somebody holds whose tensor was lost. */
  isRefused({ request, newest }: Pending, { route, next }: Step): boolean {
    const author = route.at(-1)?.peer
    if (newest.next !== undefined || next === author) return false
    return author !== undefined && this.isLostOf(request, author)
  }

  /** The request has ended. */
  end(request: RequestId): void {
    this.byRequest.delete(request)
  }

  private isLostOf(request: RequestId, holder: PeerId): boolean {
    const words = this.byRequest.get(request)?.values() ?? []
    return [...words].some(({ lost }) => lost === holder)
  }
}

/**
 * Whether a tensor is gone with its holder, so that nobody can go on from it: that of `step` by the word of
 * whoever was to, that of a later one by the word of somebody who ran a layer before. The first one is the
 * requester's own.
 */
function isLoss({ route, next }: Step, from: PeerId, claim: Claim): boolean {
  if (claim.hop === 0) return false
  const isOfNewest = claim.hop === route.length
  return (isOfNewest && (next ?? from) === from) || route.some(({ peer }) => peer === from)
}
