import { draw } from '../draw.ts'
import { BARRED_MAX } from '../limits.ts'
import { tagOf } from '../presence/near.ts'
import type { PeerId } from '../wire/messages.ts'
import type { Audit } from './audit.ts'
import type { Ledger } from './ledger.ts'
import type { SameWeights } from './same-weights.ts'

/**
 * The tags of those who are to have no part in a request: whose layers are not taken, whoever is barred, whose result is
 * disputed, and in a recomputation who had a say, and who has other weights.
 * @param audit what the request is a recomputation of, if it is one.
 */
export function barredFrom(
  audit: Audit | undefined,
  audits: Iterable<Audit>,
  { weights }: { readonly weights: SameWeights },
  ledger: Ledger,
  nowMs: number,
): number[] {
  const disputed = [...audits].flatMap((one) => (one.isDisputed ? one.stretch.peers : []))
  // Of whoever is disputed a recomputation may have need.
  const own = audit === undefined ? disputed : unfit(audit, ledger)
  const tags = own.map((peer) => tagOf(draw(peer)))
  const others = audit === undefined ? [] : weights.others(audit.stretch)
  // The last ones count: what comes of those who have other weights is not taken in any case.
  const all = [...others, ...weights.skipped(), ...ledger.barred(nowMs), ...tags]
  return [...new Set(all)].slice(-BARRED_MAX)
}

/** Who is not to run a stretch again: who had a say, who could not, and at first who has vouched for it before. */
function unfit(
  { heard, unable, hasFailed, isDisputed, stretch }: Audit,
  ledger: Ledger,
): readonly PeerId[] {
  const vouchers =
    hasFailed || isDisputed ? [] : stretch.peers.flatMap((one) => ledger.vouchersOf(one))
  return [...vouchers, ...heard, ...unable]
}
