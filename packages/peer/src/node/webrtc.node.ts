import { circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import type { Libp2pOptions } from 'libp2p'
import { RESERVATION_TIMEOUT_MS } from '../limits.ts'
import { boundSignaling } from './bound-signaling.ts'
import { closeByOpener } from './data-channel-close.ts'
import { fixInitDataChannel } from './data-channel-fix.ts'
import { onlyOwnRelays } from './own-relays.ts'

/** WebRTC as a Node peer speaks it, through circuits of a bootstrap node. */
export interface WebRtc {
  readonly transports: NonNullable<Libp2pOptions['transports']>
  /** Told when its node has stopped. With the last one of this process the threads of WebRTC end. */
  close(): void
}

/** The two modules behind it. */
export interface WebRtcModules {
  readonly transport: Pick<typeof import('@libp2p/webrtc'), 'webRTC'>
  readonly native: Pick<typeof import('node-datachannel'), 'cleanup'>
  readonly connections: Pick<
    typeof import('node-datachannel/polyfill'),
    'RTCPeerConnection' | 'RTCDataChannel'
  >
}

/** Those of node-datachannel load a library that is made for some systems and not for others. */
async function loadModules(): Promise<WebRtcModules> {
  const native = await import('node-datachannel')
  const connections = await import('node-datachannel/polyfill')
  return { native, connections, transport: await import('@libp2p/webrtc') }
}

/** Nodes of this process that speak WebRTC. */
let nodesOpen = 0

/**
 * Loads WebRTC for one node.
 * @param servers STUN and TURN servers, and no others are asked.
 * @param admits see `boundSignaling`.
 * @param isRelay see `onlyOwnRelays`.
 * @param load of its modules, for tests.
 * @throws Error when it cannot be loaded on this system.
 */
export async function openWebRtc(
  servers: readonly RTCIceServer[],
  admits: (peer: string) => boolean,
  isRelay: (peer: string) => boolean,
  load: () => Promise<WebRtcModules> = loadModules,
): Promise<WebRtc> {
  const { transport, native, connections } = await load()
  fixInitDataChannel(connections.RTCPeerConnection)
  closeByOpener(connections)
  nodesOpen++
  let isOpen = true
  return {
    transports: [
      boundSignaling(
        transport.webRTC({ rtcConfiguration: () => ({ iceServers: nativeIceServers(servers) }) }),
        admits,
      ),
      onlyOwnRelays(
        circuitRelayTransport({ reservationCompletionTimeout: RESERVATION_TIMEOUT_MS }),
        isRelay,
      ),
    ],
    close() {
      if (!isOpen) return
      isOpen = false
      nodesOpen--
      // A connection that was given up while it was being made would keep the process alive.
      if (nodesOpen === 0) native.cleanup()
    },
  }
}

/**
 * Servers as node-datachannel takes them: it writes user and credential into the URL of the server, where
 * libdatachannel decodes them, and throws at the first that it does not know, STUN over TLS.
 */
export function nativeIceServers(servers: readonly RTCIceServer[]): RTCIceServer[] {
  return servers.flatMap(({ urls, username, credential }) => {
    const known = [urls].flat().filter((url) => !url.startsWith('stuns:'))
    if (known.length === 0) return []
    if (username === undefined || credential === undefined) return [{ urls: known }]
    const encoded = [username, credential].map(encodeURIComponent)
    return [{ urls: known, username: encoded[0] ?? '', credential: encoded[1] ?? '' }]
  })
}
