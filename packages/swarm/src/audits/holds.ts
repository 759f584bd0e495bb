import type { Step } from '../wire/messages.ts'
import type { Audit } from './audit.ts'
import { AUDIT_MS_MAX, DISPUTE_HOLD_MS, HOLD_MS } from './limits.ts'

/** Whether an answer waits for one of these: they are of its request, or of somebody on its route. */
export function areHolding(
  audits: Iterable<Audit>,
  { request, route }: Pick<Step, 'request' | 'route'>,
  nowMs: number,
): boolean {
  for (const audit of audits) {
    if (nowMs >= untilMs(audit)) continue
    if (audit.request === request) return true
    if (audit.stretch.peers.some((one) => route.some(({ peer }) => peer === one))) return true
  }
  return false
}

/** When one of these has taken too long, or a hold ends that had not ended by `nowMs`, milliseconds. */
export function nextEndMs(audits: Iterable<Audit>, nowMs: number): number {
  let at = Number.POSITIVE_INFINITY
  for (const audit of audits) {
    at = Math.min(at, audit.sinceMs + AUDIT_MS_MAX)
    const until = untilMs(audit)
    if (until > nowMs) at = Math.min(at, until)
  }
  return at
}

/** Until when an answer waits for an audit, milliseconds. */
function untilMs({ isDisputed, isAwaited, sinceMs }: Audit): number {
  if (isDisputed) return sinceMs + DISPUTE_HOLD_MS
  return isAwaited ? sinceMs + HOLD_MS : 0
}
