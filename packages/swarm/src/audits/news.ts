import type { Recount } from '../handed-on.ts'
import type { PeerId, RequestId, Step } from '../wire/messages.ts'
import type { AuditEnd } from './audit.ts'

/** What audits have come to, until somebody takes it: each thing once. */
export class AuditNews {
  /** Audits that have ended. */
  readonly ends: AuditEnd[] = []
  /** Peers about whom two results have been found to differ. */
  readonly disputed: PeerId[] = []
  /** Recomputations that nobody waits for any more. */
  readonly abandoned: RequestId[] = []
  /** Recomputations to be asked for. */
  readonly stems: Step[] = []
  /** And sums that are to be made again. */
  readonly recounts: Recount[] = []
}
