/**
 * How soon a new tab is part of a swarm whose server and peer are held by sockets that say nothing, or half of what
 * there is to say: beside a tab that came just before. Prints one JSON line.
 *
 *   node scripts/faults/sockets.mjs [--silent 2100] [--half-open 1000] [--streams 1000] [--times 3]
 *
 * `--silent`     TCP sockets to the server over which no byte comes
 * `--half-open`  WebSockets that shake no hands, so many at the server and so many at a Node peer
 *
 * `--streams`    streams of libp2p to the server over a few connections, each of which says a byte of its first line
 *
 * One Chromium (LAYERSWARM_CHROMIUM, or /usr/bin/chromium). Of each joining it tells when the page was loaded,
 * when the tab served, and when it was connected to the peer; `busyMs` is how long the peer was at
 * work for the sockets when the tab came. Needs a build.
 */
import { once } from 'node:events'
import { connect } from 'node:net'
import { loadavg } from 'node:os'
import { joinAsNewcomer } from '../../packages/signaling/dist/newcomer-fixture.js'
import { launchChromium, openTab, snapshotOf } from './chromium.mjs'
import { readFlags } from './flags.mjs'
import { freePort, say, startPeers, startServer, until } from './processes.mjs'

/** What the system itself has no room for is no socket of the server's. */
const AT_ONCE = 300
/** A connection takes no more than 256. */
const STREAMS_EACH = 200
/** Of the first line of multistream-select: its length. */
const FIRST_BYTE = Uint8Array.of(19)
/** For the one that opens them, on a busy machine. */
const JOIN_MS_MAX = 60_000
const UPGRADE = [
  'GET /ws HTTP/1.1',
  'host: 127.0.0.1',
  'connection: upgrade',
  'upgrade: websocket',
  'sec-websocket-version: 13',
  'sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==',
  '\r\n',
].join('\r\n')

const {
  silent,
  'half-open': halfOpen,
  streams,
  times,
} = readFlags({ silent: 2_100, 'half-open': 1_000, streams: 1_000, times: 3 })
const port = await freePort()
const peerPort = await freePort()
const server = await startServer({ port })
const options = { join: server.url, port: peerPort, capacity: 8, webrtc: false }
const peer = startPeers(options)
const browser = await launchChromium()
const sockets = []
let slow
try {
  await until('the peer serves', async () => (await peer.ask())?.hosting === 1)
  await joined()
  const rows = []
  for (let time = 0; time < times; time++) {
    const calm = await joined()
    await open(silent, port, '')
    await open(halfOpen, port, UPGRADE)
    await open(halfOpen, peerPort, UPGRADE)
    slow = await openStreams(streams)
    const [beside, busyMs] = await Promise.all([joined(), answeredMs()])
    rows.push({ calm, beside, busyMs, load: Math.round(loadavg()[0]) })
    say(JSON.stringify(rows.at(-1)))
    for (const socket of sockets.splice(0)) socket.destroy()
    await slow.stop()
  }
  process.stdout.write(`${JSON.stringify({ silent, halfOpen, streams, rows })}\n`)
} finally {
  for (const socket of sockets) socket.destroy()
  await slow?.stop()
  await browser.close()
  await peer.end()
  await server.end()
}

/** When the page of a new tab was loaded, when it served, and when it was connected to the peer, ms from its opening. */
async function joined() {
  const startMs = performance.now()
  const since = () => Math.round(performance.now() - startMs)
  const tab = await openTab(browser, server.url)
  const loadedMs = since()
  await until('a tab serves', async () => (await snapshotOf(tab)).state === 'serving')
  const servingMs = since()
  const isMet = ({ peers }) => peers.some(({ connection }) => connection === 'direct')
  await until('a tab has met the peer', async () => isMet(await snapshotOf(tab)))
  const joinedMs = since()
  await tab.close()
  return { loadedMs, servingMs, joinedMs }
}

/** How long the peer, which is asked by its parent and not by a socket, takes for all that came before. */
async function answeredMs() {
  const startMs = performance.now()
  await peer.ask()
  return Math.round(performance.now() - startMs)
}

/** Streams that have begun to say what they are for, and go no further. @returns the node that holds them. */
async function openStreams(count) {
  const node = await joinAsNewcomer(server.url, JOIN_MS_MAX)
  const [{ remoteAddr }] = node.getConnections()
  for (let left = count; left > 0; left -= STREAMS_EACH) {
    const { muxer } = await node.dial(remoteAddr, { force: true })
    for (let i = 0; i < Math.min(left, STREAMS_EACH); i++) {
      const stream = await muxer.createStream()
      stream.send(FIRST_BYTE)
    }
  }
  return node
}

async function open(count, at, text) {
  for (let left = count; left > 0; left -= AT_ONCE)
    await Promise.all(Array.from({ length: Math.min(left, AT_ONCE) }, () => openOne(at, text)))
}

async function openOne(at, text) {
  const socket = connect({ port: at, host: '127.0.0.1', allowHalfOpen: true })
  sockets.push(socket)
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  socket.write(text)
  socket.resume()
}
