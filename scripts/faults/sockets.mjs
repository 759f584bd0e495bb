/**
 * How soon a new tab is part of a swarm whose server and peer are held by sockets that say nothing, or half of what
 * there is to say: beside a tab that came just before. Prints one JSON line.
 *
 *   node scripts/faults/sockets.mjs [--silent 2100] [--half-open 1000] [--times 3]
 *
 * `--silent`     TCP sockets to the server over which no byte comes
 * `--half-open`  WebSockets that shake no hands, so many at the server and so many at a Node peer
 *
 * One Chromium (LAYERSWARM_CHROMIUM, or /usr/bin/chromium). Streams of libp2p that say nothing are in
 * packages/signaling/src/silent-crowd.test.ts. Needs a build.
 */
import { once } from 'node:events'
import { connect } from 'node:net'
import { loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { launchChromium, openTab, snapshotOf } from './chromium.mjs'
import { freePort, say, startPeers, startServer, until } from './processes.mjs'

/** What the system itself has no room for is no socket of the server's. */
const AT_ONCE = 300
const UPGRADE = [
  'GET /ws HTTP/1.1',
  'host: 127.0.0.1',
  'connection: upgrade',
  'upgrade: websocket',
  'sec-websocket-version: 13',
  'sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==',
  '\r\n',
].join('\r\n')

const { values } = parseArgs({
  options: {
    silent: { type: 'string', default: '2100' },
    'half-open': { type: 'string', default: '1000' },
    times: { type: 'string', default: '3' },
  },
})
const port = await freePort()
const peerPort = await freePort()
const server = await startServer({ port })
const options = { join: server.url, port: peerPort, capacity: 8, webrtc: false }
const peer = startPeers(options)
const browser = await launchChromium()
const sockets = []
try {
  await until('the peer serves', async () => (await peer.ask())?.hosting === 1)
  await joinedMs()
  const rows = []
  for (let time = 0; time < Number(values.times); time++) {
    const calmMs = await joinedMs()
    await open(Number(values.silent), port, '')
    await open(Number(values['half-open']), port, UPGRADE)
    await open(Number(values['half-open']), peerPort, UPGRADE)
    const besideMs = await joinedMs()
    rows.push({ calmMs, besideMs, load: Math.round(loadavg()[0]) })
    say(JSON.stringify(rows.at(-1)))
    for (const socket of sockets.splice(0)) socket.destroy()
  }
  const { silent, 'half-open': halfOpen } = values
  process.stdout.write(`${JSON.stringify({ silent, halfOpen, rows })}\n`)
} finally {
  for (const socket of sockets) socket.destroy()
  await browser.close()
  await peer.end()
  await server.end()
}

/** From opening a tab until it is part of the swarm and connected to the peer. */
async function joinedMs() {
  const startMs = performance.now()
  const tab = await openTab(browser, server.url)
  const isIn = ({ state, peers }) =>
    state === 'serving' && peers.some(({ connection }) => connection === 'direct')
  await until('a tab is part of the swarm', async () => isIn(await snapshotOf(tab)))
  const ms = Math.round(performance.now() - startMs)
  await tab.context().close()
  return ms
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
