import { draw } from '../draw.ts'
import type { Mixing } from '../lanes/mixing.ts'
import { tagOf } from '../presence/near.ts'
import type { KnownPeer, PeerTable } from '../presence/peer-table.ts'
import type { Hop, PeerId } from '../wire/messages.ts'
import type { Weighted } from '../wire/weights.ts'
import type { Stretch } from './stretch.ts'

/** The layers of a stretch as they were run. */
export function hopsOf({ before, after }: Pick<Stretch, 'before' | 'after'>): readonly Hop[] {
  return after.route.slice(before.route.length)
}

/** Whether all of a row are of one release. */
export function areOfOneRelease(row: readonly Weighted[]): boolean {
  return row.every(({ weights }) => weights === row[0]?.weights)
}

/**
 * Layers of two releases give two results, both of them right: what was run with the weights of one is run again, and
 * compared, with the same weights only.
 */
export class SameWeights {
  private readonly self: PeerId
  private readonly table: Pick<PeerTable, 'all'>
  private readonly mixing: Mixing

  constructor(self: PeerId, table: Pick<PeerTable, 'all'>, mixing: Mixing) {
    this.self = self
    this.table = table
    this.mixing = mixing
  }

  /** Whether these were run with the weights of a stretch. */
  areOf(stretch: Stretch, hops: readonly Weighted[]): boolean {
    const weights = weightsOf(stretch)
    return hops.every((hop) => hop.weights === weights)
  }

  /** Whether this member's own engine has the weights of a stretch. */
  isOwn(stretch: Stretch): boolean {
    return weightsOf(stretch) === this.mixing.ownWeights
  }

  /** How far apart two results of one of its layers may be by the file of it that was loaded, ‖a − b‖ / ‖b‖. */
  fileDistance(stretch: Stretch): number {
    return this.mixing.fileDistance(weightsOf(stretch))
  }

  /** The tags of those who have other weights than those of a stretch. */
  others(stretch: Stretch): number[] {
    const weights = weightsOf(stretch)
    const hosts = ({ presence }: KnownPeer) =>
      presence.layers.length > 0 && presence.weights !== weights
    const others = [...this.table.all()].filter(hosts).map(({ mark }) => tagOf(mark))
    return this.isOwn(stretch) ? others : [...others, tagOf(draw(this.self))]
  }

  /** The tags of those whose layers are not taken. */
  skipped(): number[] {
    return this.mixing.skipped().map((peer) => tagOf(draw(peer)))
  }
}

function weightsOf(stretch: Stretch): string | undefined {
  return hopsOf(stretch)[0]?.weights
}
