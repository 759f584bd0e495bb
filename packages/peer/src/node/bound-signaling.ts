import type { Transport, Upgrader } from '@libp2p/interface'
import { onAbort } from '../deadline.ts'
import { SIGNALING_STREAMS_MAX } from '../limits.ts'
import { type Registrar, refusing } from './refusing.ts'

/** What a WebRTC transport is made of, as far as it is bounded. */
export interface SignalingNeeds {
  readonly registrar: Registrar
  readonly upgrader: Upgrader
}

type PeerConnection = Pick<
  RTCPeerConnection,
  'connectionState' | 'addEventListener' | 'removeEventListener'
>

/**
 * The same WebRTC transport, with bounds to what others have it do.
 *
 * 1. A stream of signalling is refused before it has an RTCPeerConnection: @libp2p/webrtc 6 makes one for each that
 *    is opened, be an offer sent or not.
 * 2. No more than `SIGNALING_STREAMS_MAX` are open on one connection.
 * 3. What others offer becomes a connection of libp2p when WebRTC says "connected". By itself the transport takes the
 *    end of the signalling for that, and a "direct" connection to nobody counts until WebRTC gives it up.
 *
 * @param admits whether a peer's next stream of signalling is answered; asked once for each.
 */
export function boundSignaling<Needs extends SignalingNeeds>(
  create: (needs: Needs) => Transport,
  admits: (peer: string) => boolean,
): (needs: Needs) => Transport {
  return (needs) => {
    const registrar = refusing(needs.registrar, admits, 'too many connections are asked for', {
      maxInboundStreams: SIGNALING_STREAMS_MAX,
    })
    // Not assigned: libp2p's components hand on to the node what is set on them.
    const bounded: Needs = Object.create(needs, {
      registrar: { value: registrar },
      upgrader: { value: waiting(needs.upgrader) },
    })
    return create(bounded)
  }
}

/** The signal aborts `DIAL_TIMEOUT_MS` after the stream was opened; the transport closes what has failed. */
function waiting(upgrader: Upgrader): Upgrader {
  const upgradeInbound: Upgrader['upgradeInbound'] = async (connection, options) => {
    const below = connectionBelow(connection)
    if (below !== undefined) await untilConnected(below, options.signal)
    await upgrader.upgradeInbound(connection, options)
  }
  return Object.assign(Object.create(upgrader), { upgradeInbound })
}

/** Its type does not name it. */
function connectionBelow(connection: object): PeerConnection | undefined {
  return 'peerConnection' in connection ? (connection.peerConnection as PeerConnection) : undefined
}

/** @throws Error when it fails, or the signal aborts before. */
function untilConnected(connection: PeerConnection, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (settle: () => void) => {
      unfollow()
      connection.removeEventListener('connectionstatechange', look)
      settle()
    }
    const look = () => {
      const { connectionState } = connection
      if (connectionState === 'connected') return end(resolve)
      if (signal.aborted || connectionState === 'failed' || connectionState === 'closed')
        end(() => reject(new Error(`WebRTC did not connect: it is ${connectionState}`)))
    }
    const unfollow = onAbort(signal, look)
    connection.addEventListener('connectionstatechange', look)
    look()
  })
}
