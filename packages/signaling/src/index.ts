/**
 * The server where a swarm meets. One process: a libp2p bootstrap node and relay that introduces
 * peers to each other and forwards their presence, and an HTTP server for the page, the releases,
 * `/bootstrap.json`, health and Prometheus metrics. It carries introductions only: circuits are
 * cut at 128 KiB, lanes are not forwarded, and no tensor passes through it.
 *
 * @example
 * ```ts
 * import { createSignaling, formatLog } from '@layerswarm/signaling'
 *
 * const lines: string[] = []
 * const signaling = createSignaling({
 *   port: 0, // any free one, for HTTP and for libp2p's WebSockets
 *   modelDirs: ['models/fashion-vit'],
 *   log: (entry) => lines.push(formatLog(entry)),
 * })
 * const { url } = await signaling.start()
 * const { peerId, releases } = await (await fetch(`${url}/bootstrap.json`)).json()
 * const ready = (await fetch(`${url}/readyz`)).ok
 * const { peers, relay } = signaling.snapshot()
 * await signaling.stop()
 * ```
 *
 * @packageDocumentation
 */
import './polyfill.ts'

export {
  type Certificate,
  type CertificateFiles,
  keptCertificate,
  makeCertificate,
  readCertificate,
} from './certificate.ts'
export { SignalingError, type SignalingFault } from './errors.ts'
export { formatLog, type Log, type LogEntry } from './log.ts'
export { renderMetrics } from './metrics.ts'
export { SIGNALING_DEFAULTS, type SignalingOptions } from './options.ts'
export { ownNames } from './public-urls.ts'
export { RELAY_LIMITS, type RelayLimits } from './relay-terms.ts'
export type { Bootstrap, Doors } from './run.ts'
export { createSignaling, type Ready, type Signaling, type SignalingEvent } from './signaling.ts'
export type { ReleaseSnapshot, SignalingSnapshot, SignalingState } from './snapshot.ts'
export { isHashedToken } from './token.ts'
