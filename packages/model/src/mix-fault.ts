import { canonicalJson, type Json } from './canonical-json.ts'
import { type Manifest, releaseId } from './manifest.ts'
import { keepsOrder } from './spec.ts'

/**
 * Why layers of a release may not stand in for those of another, layer by layer, in one line; undefined where they may.
 * Both are signed as they say.
 * @param other the one that names it, which must be the later: no release can name one that was made after it.
 */
export function mixFault(other: Manifest, release: Manifest): string | undefined {
  if (other.publisher !== release.publisher) return 'another publisher has signed it'
  const id = releaseId(release)
  if (other.mixes?.some((mix) => mix.release === id) !== true)
    return `it does not name ${release.name} ${id.slice(0, 12)} as one that it mixes with`
  if (!isSame(other.spec, release.spec)) return 'its layers are of another shape'
  if (keepsOrder(release.spec)) return 'its layers keep an order'
  if (!isSame(other.preprocessing, release.preprocessing)) return 'it prepares pictures otherwise'
  return isSame(other.labels, release.labels) ? undefined : 'it has other classes'
}

/** Both are parts of manifests: numbers, texts, lists and plain objects. */
function isSame(a: object, b: object): boolean {
  return canonicalJson(a as Json) === canonicalJson(b as Json)
}
