import './polyfill.ts'
import { connect, type Socket } from 'node:net'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { webSockets } from '@libp2p/websockets'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'
import { expect, test, vi } from 'vitest'
import { HANDSHAKE_MS_MAX } from './limits.ts'
import { createSocketWarden } from './socket-warden.ts'

const shared = {
  transports: [webSockets(), tcp()],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
  connectionGater: { denyDialMultiaddr: () => false },
}

/** Connects to a port and says nothing, or something that is no libp2p. */
async function idle(
  port: number,
  text: string,
): Promise<{ socket: Socket; closed: Promise<void> }> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  await new Promise((resolve) => socket.once('connect', resolve))
  socket.write(text)
  socket.resume()
  return { socket, closed: new Promise((resolve) => socket.once('close', () => resolve())) }
}

test('a socket warden closes silent and half-open sockets and spares connections', async () => {
  const listen = ['/ip4/127.0.0.1/tcp/0/ws', '/ip4/127.0.0.1/tcp/0']
  const node = await createLibp2p({ ...shared, start: false, addresses: { listen } })
  const warden = createSocketWarden(node)
  await node.start()
  const peer = await createLibp2p(shared)
  try {
    const address = node.getMultiaddrs().find((known) => !String(known).includes('/ws'))
    if (address === undefined) throw new Error('not listening')
    await peer.dial(address)
    const ports = node.getMultiaddrs().map((known) => Number(String(known).split('/')[4]))
    const idlers = await Promise.all(
      ports.flatMap((port) => [idle(port, ''), idle(port, 'GET / HTTP/1.1\r\nHost:')]),
    )
    await vi.waitFor(() => expect(warden.size).toBe(5))
    warden.sweep(Date.now())
    expect(warden.size).toBe(5)
    warden.sweep(Date.now() + HANDSHAKE_MS_MAX + 1)
    await Promise.all(idlers.map(({ closed }) => closed))
    await vi.waitFor(() => expect(warden.size).toBe(1))
    expect(peer.getConnections()).toHaveLength(1)
  } finally {
    await Promise.all([peer.stop(), node.stop()])
  }
})
