import type { TensorHash } from './wire/messages.ts'

/**
 * How often each tensor is offered from here: the same one may be the input of a layer and of its audit.
 *
 * 1. A tensor can be had until everybody who offered it has withdrawn it.
 */
export class Offers {
  private readonly counts = new Map<TensorHash, number>()

  offered(hash: TensorHash): void {
    this.counts.set(hash, (this.counts.get(hash) ?? 0) + 1)
  }

  /** @returns whether nobody offers it any more. */
  withdrawn(hash: TensorHash): boolean {
    const left = (this.counts.get(hash) ?? 1) - 1
    if (left > 0) this.counts.set(hash, left)
    else this.counts.delete(hash)
    return left <= 0
  }
}
