import type { SignedStatement } from '../chain/statement.ts'
import { VERIFIED_MAX } from './limits.ts'

/**
 * Remembers which links are known to be signed by whoever they say, so that nobody pays twice for a link.
 *
 * 1. What is known of a signature is known of its signer and of every byte that it was made of.
 * 2. At most VERIFIED_MAX are remembered; the longest known make room.
 */
export class Notary {
  private readonly known = new Map<string, Uint8Array>()

  /** Of these, those that are not known to be true. */
  unknown(statements: readonly SignedStatement[]): SignedStatement[] {
    return statements.filter((one) => {
      const bytes = this.known.get(nameOf(one))
      return bytes === undefined || !isSame(bytes, one.bytes)
    })
  }

  /** These were checked, and are true. */
  learn(statements: readonly SignedStatement[]): void {
    for (const one of statements) {
      if (this.known.size >= VERIFIED_MAX)
        this.known.delete(this.known.keys().next().value as string)
      this.known.set(nameOf(one), one.bytes)
    }
  }
}

function nameOf({ by, signature }: SignedStatement): string {
  return signature + by
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}
