import type { Agreement } from '../audits/agreement.ts'
import type { Ledger } from '../audits/ledger.ts'
import type { RoundArithmetic } from '../audits/round-arithmetic.ts'
import type { Plausibility } from '../audits/step-size.ts'
import type { Withholding } from '../fetch/withholding.ts'
import type { Mixing } from '../lanes/mixing.ts'
import type { ModelShape } from '../step.ts'
import type { PeerId } from '../wire/messages.ts'

/** For whom, and for which model, is asked. */
export interface RequesterOptions {
  readonly self: PeerId
  readonly shape: ModelShape
  /** Layers that this member hosts itself. */
  readonly hosted: ReadonlySet<number>
  /** Which releases are in its lane; that of the lane alone unless given. */
  readonly mixing?: Mixing
  /** This member's uplink as measured, bytes per millisecond; not known unless given. */
  readonly uploadBytesPerMs?: () => number | undefined
  /** What is known of others; its own unless given. */
  readonly ledger?: Ledger
  /** Who hands results over, and who does not; its own unless given. */
  readonly withholding?: Withholding
  /** Within tolerance unless given. */
  readonly agree?: Agreement
  /** By the size of the step unless given. */
  readonly isPlausible?: Plausibility
  /** In single precision unless given. */
  readonly arithmetic?: RoundArithmetic
}
