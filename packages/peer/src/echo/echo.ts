/**
 * A bare libp2p node that sends back what it gets, over TCP in Node: what a hop of a swarm is measured beside.
 */
import '../node/polyfill.node.ts'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { lpStream } from '@libp2p/utils'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p, type Libp2p } from 'libp2p'
import { ECHO_FRAME_BYTES_MAX } from './limits.ts'

const PROTOCOL = '/layerswarm-bench/echo/1'
/** libp2p's buffer counts the length prefix too. */
const FRAMING = { maxDataLength: ECHO_FRAME_BYTES_MAX, maxBufferSize: ECHO_FRAME_BYTES_MAX + 16 }

/** A libp2p node over TCP with the encryption and the multiplexer that peers use, and nothing else. */
function createNode(): Promise<Libp2p> {
  return createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionGater: { denyDialMultiaddr: () => false },
  })
}

/** Sends back every frame of every stream. @returns the address to dial. */
export async function serveEcho(): Promise<string> {
  const node = await createNode()
  await node.handle(PROTOCOL, async (stream) => {
    const frames = lpStream(stream, FRAMING)
    try {
      for (;;) await frames.write(await frames.read())
    } catch {
      // The other side has closed its stream: that is how an echo ends.
      stream.abort(new Error('the echo has ended'))
    }
  })
  return node.getMultiaddrs().map(String)[0] ?? ''
}

/** One stream to an echo, kept open. */
export interface EchoClient {
  /** There and back, milliseconds. */
  roundTripMs(bytes: Uint8Array): Promise<number>
  stop(): Promise<void>
}

/**
 * Dials an echo. @param address multiaddress, as `serveEcho` returns it. `roundTripMs` fails when
 * bytes are lost.
 */
export async function connectEcho(address: string): Promise<EchoClient> {
  const node = await createNode()
  const stream = await node.dialProtocol(multiaddr(address), PROTOCOL)
  const frames = lpStream(stream, FRAMING)
  return {
    async roundTripMs(bytes) {
      const startMs = performance.now()
      await frames.write(bytes)
      const back = await frames.read()
      if (back.byteLength !== bytes.length) throw new Error('the echo lost bytes')
      return performance.now() - startMs
    },
    stop: () => Promise.resolve(node.stop()),
  }
}
