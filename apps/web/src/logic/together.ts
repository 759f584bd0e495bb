import type { PeerSnapshot } from '@layerswarm/peer'
import { NARROW_SPACE } from './wording.ts'

/** What of an answer says how long it took, and on whom. */
interface Timed {
  readonly route: readonly { readonly peer: string; readonly ms: number }[]
  readonly rounds: readonly number[]
  readonly totalMs: number
}

/** What this tab knows of itself. */
export type Here = Pick<PeerSnapshot, 'peerId' | 'backend' | 'engines' | 'served' | 'layerMs'>

/**
 * What one layer takes in this tab, milliseconds: the mean of those that it ran for this very answer, or for others,
 * or of one when its engine was chosen. Undefined where none was measured.
 */
export function ownLayerMs({ route }: Timed, here: Here): number | undefined {
  const own = route.filter(({ peer }) => peer === here.peerId)
  if (own.length > 0) return own.reduce((sum, { ms }) => sum + ms, 0) / own.length
  if (here.served > 0) return here.layerMs
  return here.engines.find(({ engine }) => engine === here.backend)?.layerMs
}

/**
 * "4 peers at once, 0.34 s; this tab alone: 1.1 s", both as they were measured; undefined for an answer that took one
 * layer after another, and where this tab has measured nothing or ran all of it.
 */
export function togetherText(answer: Timed, here: Here): string | undefined {
  const { route, rounds, totalMs } = answer
  const layerMs = ownLayerMs(answer, here)
  const peers = new Set(route.map(({ peer }) => peer)).size
  if (rounds.length === 0 || layerMs === undefined || peers < 2) return undefined
  const alone = layerMs * route.length
  return `${peers} peers at once, ${secondsText(totalMs)}; this tab alone: ${secondsText(alone)}, at ${msText(layerMs)} a layer as measured here`
}

/** Two digits: "0.34 s", "1.1 s", "12 s"; below a tenth of a second "34 ms". */
function secondsText(ms: number): string {
  if (ms < 100) return msText(ms)
  const seconds = ms / 1000
  return `${seconds.toFixed(seconds < 1 ? 2 : seconds < 10 ? 1 : 0)}${NARROW_SPACE}s`
}

function msText(ms: number): string {
  return `${ms.toFixed(ms < 10 ? 1 : 0)}${NARROW_SPACE}ms`
}
