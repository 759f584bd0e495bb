import type { KnownPeer } from '../presence/peer-table.ts'
import { NEVER_FREE_MS } from './limits.ts'

/**
 * Whether a host that has delivered counts as none: it has not announced room for work for NEVER_FREE_MS, and has not
 * delivered to this member meanwhile. Nobody chooses it, so that it fails nobody, and the layers that others left to
 * it are run by nobody.
 * @param deliveredAtMs when it last delivered to this member, milliseconds.
 */
export function isNeverFree(
  { freeAtMs }: Pick<KnownPeer, 'freeAtMs'>,
  deliveredAtMs: number,
  nowMs: number,
): boolean {
  return nowMs - Math.max(freeAtMs, deliveredAtMs) > NEVER_FREE_MS
}
