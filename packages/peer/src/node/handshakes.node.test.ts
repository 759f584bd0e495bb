import { connect, type Socket } from 'node:net'
import { createBacklog } from '@layerswarm/swarm'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p, type Libp2p } from 'libp2p'
import { afterEach, describe, expect, test } from 'vitest'
import { createTestNode, eventually } from '../testing/test-nodes.ts'
import { boundHandshakes } from './handshakes.node.ts'
import { webSocketsBelowPaths } from './web-sockets.ts'

const UPGRADE = [
  'GET / HTTP/1.1',
  'host: peer.example',
  'connection: upgrade',
  'upgrade: websocket',
  'sec-websocket-version: 13',
  'sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==',
]
/** What somebody says who goes no further. */
const HALVES = {
  'says nothing': '',
  'ends no header': `${UPGRADE.slice(0, 2).join('\r\n')}\r\n`,
  'opens a WebSocket and says nothing': `${UPGRADE.join('\r\n')}\r\n\r\n`,
} as const
type Half = keyof typeof HALVES
const KINDS = Object.keys(HALVES) as Half[]

const closers: (() => unknown)[] = []
afterEach(async () => {
  await Promise.all(closers.splice(0).map((close) => close()))
})

async function listener(max: number, timeoutMs: number): Promise<Libp2p> {
  const bounds = { backlog: createBacklog(max), timeoutMs }
  const node = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0', '/ip4/127.0.0.1/tcp/0/ws'] },
    transports: [boundHandshakes(tcp(), bounds), boundHandshakes(webSocketsBelowPaths(), bounds)],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionGater: { denyDialMultiaddr: () => false },
    connectionManager: { maxIncomingPendingConnections: 4 * max },
  })
  closers.push(() => node.stop())
  return node
}

/** The port on which a node takes WebSockets, or TCP. */
function portOf(node: Pick<Libp2p, 'getMultiaddrs'>, wire: 'tcp' | 'websocket'): number {
  const isWebSocket = wire === 'websocket'
  const own = node.getMultiaddrs().map(String)
  const found = own.find((address) => address.includes('/ws') === isWebSocket)
  return Number(/tcp\/(\d+)/.exec(found ?? '')?.[1])
}

/** Somebody who opens a socket, says a part of what there is to say, and stays. */
function halfOpen(port: number, kind: Half): Socket {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  socket.on('error', () => {})
  socket.write(HALVES[kind])
  closers.push(() => socket.destroy())
  return socket.resume()
}

const isOpen = (socket: Socket) => !socket.closed && !socket.readableEnded

describe('a socket of a Node peer', { timeout: 60_000 }, () => {
  test.each(KINDS)('is cut when whoever opened it %s', async (kind) => {
    const node = await listener(10, 300)
    const socket = halfOpen(portOf(node, 'websocket'), kind)
    await eventually('the end of it', () => !isOpen(socket))
  })

  test('is cut when whoever opened it over TCP says nothing', async () => {
    const node = await listener(10, 300)
    const socket = halfOpen(portOf(node, 'tcp'), 'says nothing')
    await eventually('the end of it', () => !isOpen(socket))
  })

  test('stays when libp2p has shaken hands over it', async () => {
    const [node, other] = [await listener(10, 300), await listener(10, 300)]
    const connections = [await other.dial(node.getMultiaddrs())]
    const places = node.getMultiaddrs().filter((address) => String(address).includes('/ws'))
    connections.push(await other.dial(places, { force: true }))
    await new Promise((resolve) => setTimeout(resolve, 600))
    expect(connections.map(({ status }) => status)).toEqual(['open', 'open'])
    expect(new Set(connections.map(({ remoteAddr }) => String(remoteAddr))).size).toBe(2)
  })

  test('does not keep its node from stopping, however little it has said', async () => {
    const node = await listener(10, 60_000)
    const sockets = KINDS.map((kind) => halfOpen(portOf(node, 'websocket'), kind))
    await Promise.all(
      sockets.map((socket) => new Promise((opened) => socket.once('connect', opened))),
    )
    await node.stop()
    await eventually('the end of all', () => !sockets.some(isOpen))
  })

  test('that is open for real is made within five seconds beside a thousand half-open ones', async () => {
    const { node } = await createTestNode()
    const newcomer = await createTestNode()
    closers.push(
      () => node.stop(),
      () => newcomer.node.stop(),
    )
    const port = portOf(node, 'websocket')
    const sockets = KINDS.flatMap((kind) => Array.from({ length: 334 }, () => halfOpen(port, kind)))
    await Promise.all(
      sockets.map((socket) => new Promise((opened) => socket.once('connect', opened))),
    )
    const fromMs = performance.now()
    const places = node.getMultiaddrs().filter((address) => String(address).includes('/ws'))
    for (;;) {
      const met = await newcomer.node.dial(places).catch(() => undefined)
      if (met?.status === 'open') break
      expect(performance.now() - fromMs).toBeLessThan(5_000)
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    expect(performance.now() - fromMs).toBeLessThan(5_000)
    await eventually('the end of most', () => sockets.filter(isOpen).length <= 100)
  })
})
