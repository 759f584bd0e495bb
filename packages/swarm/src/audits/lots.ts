import { sha256 } from '@layerswarm/model'
import { REQUEST_ID_BYTES } from '../limits.ts'
import type { RequestId, Step } from '../wire/messages.ts'

/**
 * Draws what is audited, from a seed per request that nobody else ever sees.
 *
 * 1. Nobody can foresee what is drawn of a request, nor tell the name of a recomputation from any other.
 */
export class Lots {
  private readonly seeds = new Map<RequestId, string>()
  private named = 0

  /** @param seed random bytes, hex. */
  begin(request: RequestId, seed: string): void {
    this.seeds.set(request, seed)
  }

  /** Whether anything of a request may be drawn. */
  has(request: RequestId): boolean {
    return this.seeds.has(request)
  }

  end(request: RequestId): void {
    this.seeds.delete(request)
  }

  /** Whether what led to a step is drawn. @param chance from 0 to 1. */
  isDrawn({ request, route, era }: Step, chance: number): boolean {
    if (chance >= 1) return true
    const word = this.digest(request, `${era} ${route.length}`).slice(0, 8)
    return Number.parseInt(word, 16) < chance * 2 ** 32
  }

  /** The name of a recomputation of what led to a step. */
  nameAfter({ request, route }: Step): RequestId {
    const digest = this.digest(request, `${request} ${route.length} ${++this.named}`)
    return digest.slice(0, 2 * REQUEST_ID_BYTES) as RequestId
  }

  /** What recomputations of a step are named by after its request has ended. */
  secretAfter({ request, route, era }: Step): string {
    return this.digest(request, `secret ${era} ${route.length}`)
  }

  /** The next name by such a secret. */
  nameBy(secret: string): RequestId {
    return hashOf(`${secret} ${++this.named}`).slice(0, 2 * REQUEST_ID_BYTES) as RequestId
  }

  private digest(request: RequestId, text: string): string {
    return hashOf(`${this.seeds.get(request) ?? ''} ${text}`)
  }
}

function hashOf(text: string): string {
  return sha256(Uint8Array.from(text, (one) => one.charCodeAt(0)))
}
