import { listText, peerText } from '../logic/wording.ts'

/** One layer that a peer ran, and whether it lied then. */
export interface Told {
  readonly layer: number
  readonly peer: string
  readonly lied: boolean
}

/** Remembers who lied when each hop was run: a liar that is healed has lied all the same. */
export function markLies(
  route: readonly { readonly layer: number; readonly peer: string }[],
  before: readonly Told[],
  liars: ReadonlySet<string>,
): readonly Told[] {
  return route.map(({ layer, peer }, index) => {
    const known = before[index]
    if (known?.layer === layer && known.peer === peer) return known
    return { layer, peer, lied: liars.has(peer) }
  })
}

/** What liars had to do with an answer; undefined where nobody lies. */
export function liesText(told: readonly Told[], liars: ReadonlySet<string>): string | undefined {
  const lies = told.filter(({ lied }) => lied)
  if (lies.length > 0) {
    const peers = [...new Set(lies.map(({ peer }) => peer))].map(peerText)
    const layers = lies.map(({ layer }) => layer)
    return `${listText(peers)} lied at ${layers.length === 1 ? 'layer' : 'layers'} ${listText(layers)}: all that came after was made of that.`
  }
  if (liars.size === 0) return undefined
  const names = listText([...liars].map(peerText))
  return `${names} ${liars.size === 1 ? 'lies' : 'lie'}, but had no part in this answer: whether it is right says nothing of lies.`
}

/** What audits found of an answer. */
export function auditText(
  checked: { readonly layers: readonly number[]; readonly doubted: readonly number[] },
  outvoted: readonly string[],
): string {
  const found =
    outvoted.length > 0
      ? ` Audits have found out ${listText([...new Set(outvoted)].map(peerText))}, which is asked no more for a while.`
      : ''
  const { layers, doubted } = checked
  const many = (list: readonly number[]) =>
    `${list.length === 1 ? 'layer' : 'layers'} ${listText(list)}`
  if (doubted.length > 0) return `Audits doubt ${many(doubted)}.${found}`
  if (layers.length > 0) return `Audits ran ${many(layers)} again, with the same result.${found}`
  return `Audits look at a sample, and at no layer of this one yet.${found}`
}
