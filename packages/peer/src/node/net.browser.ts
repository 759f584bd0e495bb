import { circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { webRTC } from '@libp2p/webrtc'
import { webSockets } from '@libp2p/websockets'
import { createLibp2p } from 'libp2p'
import { watchLife } from '../life/life.browser.ts'
import { PEER_CONNECTIONS_RELOAD, RESERVATION_TIMEOUT_MS } from '../limits.ts'
import { fixInitDataChannel } from './data-channel-fix.browser.ts'
import { type Platform, sharedConfig } from './libp2p-config.ts'
import { countPeerConnections, peerConnectionsMade } from './rtc-count.browser.ts'

/** A tab: WebRTC between tabs, introduced through circuits of the bootstrap node; WebSocket to Node peers. */
export const platform: Platform = Object.freeze({
  needsReservation: true,
  createNode(options) {
    fixInitDataChannel()
    countPeerConnections()
    return createLibp2p({
      ...sharedConfig(options),
      addresses: { listen: ['/p2p-circuit', '/webrtc'] },
      transports: [
        webSockets(),
        // Without iceServers the transport would ask four public STUN servers.
        webRTC({ rtcConfiguration: { iceServers: [...options.iceServers] } }),
        circuitRelayTransport({ reservationCompletionTimeout: RESERVATION_TIMEOUT_MS }),
      ],
    })
  },
  canDial: (address) =>
    address.includes('/webrtc/')
      ? peerConnectionsMade() < PEER_CONNECTIONS_RELOAD
      : /\/wss?(\/|$)/.test(address) && !address.includes('/p2p-circuit'),
  watchLife,
  peerConnectionsMade,
} satisfies Platform)
