import type { LinkStatement } from '../chain/statement.ts'
import { VERIFIED_MAX } from './limits.ts'

/**
 * Remembers which links are known to be signed by whoever they say, so that nobody pays twice for a link.
 *
 * 1. What is known of a signature is known of its signer, of every byte that it was made of and of the links
 *    before it: those were known when it was learnt.
 * 2. At most VERIFIED_MAX are remembered; the longest known make room.
 */
export class Notary {
  private readonly known = new Map<string, LinkStatement>()

  /** Of the links of one chain, in their order, those that are not known to be true. @param newestFirst asked for until one is known. */
  unknown(newestFirst: Iterable<LinkStatement>): LinkStatement[] {
    const unknown: LinkStatement[] = []
    for (const link of newestFirst) {
      const known = this.known.get(nameOf(link))
      if (known !== undefined && isSame(known, link)) break
      unknown.push(link)
    }
    return unknown.reverse()
  }

  /** These were checked, or made here, and are true, as are all before them. */
  learn(links: readonly LinkStatement[]): void {
    for (const link of links) {
      if (this.known.size >= VERIFIED_MAX)
        this.known.delete(this.known.keys().next().value as string)
      this.known.set(nameOf(link), link)
    }
  }
}

function nameOf({ by, signature }: LinkStatement): string {
  return signature + by
}

function isSame(a: LinkStatement, b: LinkStatement): boolean {
  if (a.after !== b.after || a.bytes.length !== b.bytes.length) return false
  for (let i = 0; i < a.bytes.length; i++) if (a.bytes[i] !== b.bytes[i]) return false
  return true
}
