import { circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { webRTC } from '@libp2p/webrtc'
import { createLibp2p } from 'libp2p'
import { watchLife } from '../life/life.browser.ts'
import {
  PEER_CONNECTIONS_RELOAD,
  RESERVATION_TIMEOUT_MS,
  STRANGERS_SIGNALS_MAX,
} from '../limits.ts'
import { boundSignaling } from './bound-signaling.ts'
import { closeByOpener } from './data-channel-close.ts'
import { fixInitDataChannel } from './data-channel-fix.ts'
import { deviceFacts } from './device.browser.ts'
import { type Platform, sharedConfig, type Ways } from './libp2p-config.ts'
import { onlyOwnRelays } from './own-relays.ts'
import { isCircuit } from './reach.ts'
import { countPeerConnections, peerConnectionsMade } from './rtc-count.browser.ts'
import { createSignalingBudget } from './signaling-budget.ts'
import { webSocketsBelowPaths } from './web-sockets.ts'

/** Nobody can open a socket to a page: it is met through a relay. */
const WAYS: Ways = Object.freeze({
  reservation: 'needed' as const,
  canDial: (address: string) =>
    address.includes('/webrtc/')
      ? peerConnectionsMade() < PEER_CONNECTIONS_RELOAD
      : canOpenSocket(address) && !isCircuit(address),
})

/** Of the page's life, as what it bounds: a peer that starts again, or a second one, gets no other. */
const signaling = createSignalingBudget(STRANGERS_SIGNALS_MAX)

/** A tab: WebRTC between tabs, introduced through circuits of the bootstrap node; WebSocket to Node peers. */
export const platform: Platform = Object.freeze({
  async createNode(options) {
    if (typeof RTCPeerConnection !== 'undefined') {
      fixInitDataChannel(RTCPeerConnection)
      closeByOpener({ RTCPeerConnection, RTCDataChannel })
    }
    countPeerConnections()
    const node = await createLibp2p({
      ...sharedConfig(options),
      addresses: { listen: ['/p2p-circuit', '/webrtc'] },
      transports: [
        webSocketsBelowPaths(),
        // Without iceServers the transport would ask four public STUN servers.
        boundSignaling(
          webRTC({ rtcConfiguration: { iceServers: [...options.iceServers] } }),
          (peer) => signaling.spend(peer, options.isAcquainted(peer), performance.now()),
        ),
        onlyOwnRelays(
          circuitRelayTransport({ reservationCompletionTimeout: RESERVATION_TIMEOUT_MS }),
          options.isForwarder,
        ),
      ],
    })
    return { node, ways: WAYS, stop: async () => node.stop() }
  },
  watchLife,
  deviceFacts,
  peerConnectionsMade,
} satisfies Platform)

/** A page from https may open no plain WebSocket: browsers refuse it as mixed content. */
function canOpenSocket(address: string): boolean {
  const form = location.protocol === 'https:' ? /\/(tls(\/.+)?\/ws|wss)(\/|$)/ : /\/wss?(\/|$)/
  return form.test(address)
}
