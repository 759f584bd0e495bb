import type { PeerSnapshot } from '@layerswarm/peer'
import type { Checked } from '@layerswarm/swarm'
import { ERROR_CHARS_SHOWN, PEER_CHARS_SHOWN } from '../limits.ts'

type Other = PeerSnapshot['peers'][number]

/** Between a number and its unit. */
export const NARROW_SPACE = '\u202f'

/** `0.983` → "98 %". Certainty that rounding alone would invent is not claimed. */
export function percentText(share: number): string {
  if (!Number.isFinite(share)) return '– %'
  const rounded = Math.round(share * 100)
  if (rounded >= 100 && share < 1) return `> 99${NARROW_SPACE}%`
  if (rounded <= 0 && share > 0) return `< 1${NARROW_SPACE}%`
  return `${rounded}${NARROW_SPACE}%`
}

/** What several orders differ by: " ± 4 %". */
export function spreadText(spread: number): string {
  if (!Number.isFinite(spread)) return ''
  const percent = spread * 100
  return ` ± ${percent < 1 && percent > 0 ? '< 1' : Math.round(percent)}${NARROW_SPACE}%`
}

/** Milliseconds with as many digits as matter: "0.42 ms", "3.1 ms", "85 ms", "1.3 s". */
export function durationText(ms: number): string {
  if (!Number.isFinite(ms)) return '–'
  if (ms >= 1000) return `${(ms / 1000).toFixed(1)}${NARROW_SPACE}s`
  return `${ms.toFixed(ms < 1 ? 2 : ms < 10 ? 1 : 0)}${NARROW_SPACE}ms`
}

/** How long something has lasted: "8 s", "3 min", "2 h 5 min". */
export function ageText(ms: number): string {
  const minutes = Math.floor(ms / 60_000)
  if (minutes < 1) return `${Math.floor(ms / 1000)} s`
  if (minutes < 60) return `${minutes} min`
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

/** Bytes in powers of 1000: "0 B", "12 kB", "3.4 MB". */
export function bytesText(bytes: number): string {
  if (bytes < 1000) return `${Math.round(bytes)} B`
  const [value, unit] = bytes < 1e6 ? [bytes / 1e3, 'kB'] : [bytes / 1e6, 'MB']
  return `${value.toFixed(value < 10 ? 1 : 0)} ${unit}`
}

/** How many others there are: "3", or "2 of 3 connected" where work can be exchanged with two of them. */
export function othersText(peers: readonly Pick<Other, 'connection'>[]): string {
  const connected = peers.filter(({ connection }) => connection === 'direct').length
  return connected === peers.length ? `${connected}` : `${connected} of ${peers.length} connected`
}

/** The end of a peer's id. */
export function peerText(peer: string): string {
  return peer.slice(-PEER_CHARS_SHOWN)
}

/** "2", "2 and 5", "2, 5 and 7". */
export function listText(items: readonly (number | string)[]): string {
  if (items.length < 2) return items.join('')
  return `${items.slice(0, -1).join(', ')} and ${items.at(-1)}`
}

/** "layer 2", "layers 2 and 5". */
export function layersText(layers: readonly number[]): string {
  return `${layers.length === 1 ? 'layer' : 'layers'} ${listText(layers)}`
}

/** "8 of 8 layers". */
export function appliedText(applied: number, layers: number): string {
  return `${applied} of ${layers} layers`
}

/** What an incomplete answer says about itself; undefined when nothing is missing. */
export function missingText(missing: readonly number[]): string | undefined {
  if (missing.length === 0) return undefined
  return `Answered without ${layersText(missing)}.`
}

/** What others have run again of an answer, of one order or several: "3 of 8 layers checked by other peers so far." */
export function checkedText(checked: readonly Checked[], layers: number): string {
  const count = checked.reduce((sum, one) => sum + one.layers.length, 0)
  const found = count === 0 ? 'No layer' : `${count} of ${layers} layers`
  return `${found} checked by other peers so far.`
}

/** Why an answer cannot be trusted; undefined where nothing is known against it. */
export function doubtText(checked: readonly Checked[]): string | undefined {
  const doubted = [...new Set(checked.flatMap((one) => one.doubted))].sort((a, b) => a - b)
  if (doubted.length === 0) return undefined
  return `Doubted: a peer that ran ${layersText(doubted)} was found to give wrong results. Ask again.`
}

/** The order in which a request visited its layers: "3 → 0 → 7". */
export function routeText(route: readonly { layer: number }[]): string {
  return route.map((hop) => hop.layer).join(' → ')
}

/** One line for people from whatever was thrown. */
export function errorText(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  const line = text.split('\n')[0]?.trim() ?? ''
  if (line === '') return 'Something failed without saying why.'
  if (line.length <= ERROR_CHARS_SHOWN) return line
  // Not in the middle of a word.
  return `${line.slice(0, ERROR_CHARS_SHOWN).replace(/\s+\S*$/, '')}…`
}

/** Why the camera gives no picture, by the name of the browser's error, and what to do. */
export function cameraProblem(name: string): string {
  switch (name) {
    case 'NotAllowedError':
      return 'The camera was refused; allow it for this page in the browser, or upload a picture.'
    case 'NotFoundError':
    case 'OverconstrainedError':
      return 'No camera was found; draw or upload a picture instead.'
    case 'NotReadableError':
      return 'The camera is in use by another program; close that and try again.'
    case 'InsecureContext':
      return 'Browsers give the camera only to secure pages: open this one over https or on localhost.'
    default:
      return 'The camera gave no picture; draw or upload one instead.'
  }
}
