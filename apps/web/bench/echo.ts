import { circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { lpStream } from '@libp2p/utils'
import { webRTC } from '@libp2p/webrtc'
import { webSockets } from '@libp2p/websockets'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p, type Libp2p } from 'libp2p'

const PROTOCOL = '/layerswarm-bench/echo/1'
const FRAME_BYTES_MAX = 4 << 20
/** libp2p's buffer counts the length prefix too. */
const FRAMING = { maxDataLength: FRAME_BYTES_MAX, maxBufferSize: FRAME_BYTES_MAX + 16 }

/**
 * A libp2p node with the transports that a tab's peer has, and nothing else of it, connected to a
 * signaling server's relay.
 */
async function createNode(relay: string): Promise<Libp2p> {
  const node = await createLibp2p({
    addresses: { listen: ['/p2p-circuit', '/webrtc'] },
    transports: [
      webSockets(),
      // Without iceServers the transport would ask four public STUN servers.
      webRTC({ rtcConfiguration: { iceServers: [] } }),
      circuitRelayTransport(),
    ],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    // The browser's default refuses ws:// and private addresses.
    connectionGater: { denyDialMultiaddr: () => false },
    services: { identify: identify() },
  })
  await node.dial(multiaddr(relay))
  return node
}

/** Sends back every frame of every stream. @returns the WebRTC address to dial. */
export async function serveEcho(relay: string): Promise<string> {
  const node = await createNode(relay)
  await node.handle(PROTOCOL, async (stream) => {
    const frames = lpStream(stream, FRAMING)
    for (;;) await frames.write(await frames.read())
  })
  return await new Promise((resolve) => {
    const look = (): void => {
      const own = node.getMultiaddrs().map(String)
      const address = own.find((one) => one.includes('/webrtc'))
      if (address === undefined) return
      node.removeEventListener('self:peer:update', look)
      resolve(address)
    }
    node.addEventListener('self:peer:update', look)
    look()
  })
}

/** Opens one stream and keeps it. @returns what sends bytes there and back: the mean of `times`, milliseconds. */
export async function connectEcho(
  relay: string,
  address: string,
): Promise<(bytes: number, times: number) => Promise<number>> {
  const node = await createNode(relay)
  const connection = await node.dial(multiaddr(address))
  if (connection.limits !== undefined) throw new Error('the echo is not connected directly')
  const frames = lpStream(await connection.newStream(PROTOCOL), FRAMING)
  return async (bytes, times) => {
    const payload = new Uint8Array(bytes).fill(1)
    const startMs = performance.now()
    for (let i = 0; i < times; i++) {
      await frames.write(payload)
      const back = await frames.read()
      if (back.byteLength !== bytes) throw new Error('the echo lost bytes')
    }
    return (performance.now() - startMs) / times
  }
}
