import type { Sha256 } from './hash.ts'
import { type Manifest, type ReleaseId, releaseId } from './manifest.ts'
import { mixFault } from './mix-fault.ts'

/** In whose lanes the peers of a release are. */
export interface LaneReleaseChoice {
  readonly id: ReleaseId
  /** Why it is in none of those that it names before that one, or in none at all; in their order. */
  readonly reasons: readonly string[]
}

/**
 * In whose lanes the peers of a release are: of those that it names as mixing the first that is there, that it fits, and
 * that is in lanes of its own; otherwise its own. So all of one line meet in the lanes of its first release.
 * @param find the manifest of a release where it is on offer; its signature was checked.
 */
export function laneReleaseIn(
  manifest: Manifest,
  find: (id: Sha256) => Manifest | undefined,
): LaneReleaseChoice {
  // No release names one that was made after it: each is asked for once, and there are no circles.
  const homes = new Map<ReleaseId, ReleaseId>()

  function leftOut(by: Manifest, id: Sha256): string | undefined {
    const named = find(id)
    if (named === undefined) return `${id.slice(0, 12)} cannot be had here`
    const fault = mixFault(by, named)
    const name = `${named.name} ${id.slice(0, 12)}`
    if (fault !== undefined) return `beside ${name}, ${fault}`
    return homeOf(named, id) === id ? undefined : `${name} is in the lanes of one that is not named`
  }

  function homeOf(of: Manifest, id: ReleaseId): ReleaseId {
    const known = homes.get(id)
    if (known !== undefined) return known
    const named = (of.mixes ?? []).find(({ release }) => leftOut(of, release) === undefined)
    const home = named?.release ?? id
    homes.set(id, home)
    return home
  }

  const id = homeOf(manifest, releaseId(manifest))
  const before = (manifest.mixes ?? []).map(({ release }) => release)
  const at = before.indexOf(id)
  const left = at < 0 ? before : before.slice(0, at)
  return { id, reasons: left.flatMap((release) => leftOut(manifest, release) ?? []) }
}
