/**
 * What becomes of requests, and of everybody's way to everybody, while a server of a swarm is killed and started
 * again. Prints progress, and one JSON line.
 *
 *   node scripts/faults/relay.mjs [--nodes 30] [--processes 30] [--tabs 8] [--kills 3] [--down-ms 5000] [--every-ms 250] [--second]
 *
 * `--nodes`      Node peers
 * `--processes`  in which they are: as many, unless the machine is too small
 * `--tabs`       tabs of one Chromium (LAYERSWARM_CHROMIUM, or /usr/bin/chromium), in contexts of their own
 * `--second`     another server, which stays; then only the killed one is away
 *
 * One request every --every-ms, whatever becomes of those before. After each start: how long until the server counts
 * every provider, until every tab has a reservation at it, and until a tab that comes now serves and has met another
 * tab over WebRTC, which takes both. Needs a build.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { openAsker, summary } from './asker.mjs'
import { launchChromium, openTab, snapshotOf } from './chromium.mjs'
import { NUMBER, readFlags } from './flags.mjs'
import { freePort, say, startPeers, startServer, until } from './processes.mjs'

/** Dozens that have just come measure engines and ways and find their lanes, which keeps two cores busy for a while. */
const SETTLE_MS = 30_000
/** Dozens of peers and tabs that start at once, on a busy machine. */
const JOINED_MS_MAX = 300_000
/** Between two looks at the server: its metrics take a while to write, of which others have to wait. */
const LOOK_MS = 1_000
/** For a process or a tab to say how it is. */
const ANSWER_MS_MAX = 10_000
/** Of a restart, and of so many tabs on a busy machine. */
const REACHABLE_MS_MAX = 120_000

const flags = readFlags({
  nodes: 30,
  processes: NUMBER,
  tabs: 8,
  kills: 3,
  'down-ms': 5_000,
  'every-ms': 250,
  second: false,
})
const { nodes, tabs: tabCount } = flags
const processes = flags.processes ?? nodes
const folder = await mkdtemp(join(tmpdir(), 'layerswarm-relay-'))
const closers = [() => rm(folder, { recursive: true, force: true })]
try {
  await run()
} finally {
  for (const close of closers.reverse()) await close()
}

async function run() {
  const second = flags.second ? await startServer({ port: await freePort() }) : undefined
  if (second !== undefined) closers.push(() => second.end())
  const with2 = second === undefined ? [] : ['--peer-with', second.url]
  const first = {
    port: await freePort(),
    flags: ['--data', join(folder, 'a'), '--metrics', 'here', ...with2],
  }
  let server = await startServer(first)
  closers.push(() => server.end())

  const everybody = nodes + tabCount
  const options = { join: server.url, capacity: 2, webrtc: false }
  const providers = Array.from({ length: processes }, (_, i) => {
    const count = Math.floor(nodes / processes) + (i < nodes % processes ? 1 : 0)
    return startPeers(options, { count })
  })
  closers.push(() => Promise.all(providers.map((one) => one.end())))
  const browser = tabCount > 0 ? await launchChromium() : undefined
  closers.push(() => browser?.close())
  const tabs = []
  for (let i = 0; i < tabCount; i++) tabs.push(await openTab(browser, server.url))
  await Promise.all(tabs.map(serving))
  const state = () => countedOf(server.url, everybody, providers, tabs)
  const asker = await openAsker({ join: server.url })
  closers.push(() => asker.stop())
  say('all have been started')
  const missing = async () => everybody - (await counted(server.url))
  const coming = setInterval(async () => {
    const count = await missing()
    if (count > 0) say(`${count} are not counted`)
  }, 10_000)
  closers.push(() => clearInterval(coming))
  await until('all are counted', async () => (await missing()) <= 0, JOINED_MS_MAX, LOOK_MS, state)
  if (tabCount > 0) {
    const havePlaces = async () => (await reservations(server.url)) >= tabCount
    await until('all tabs have places', havePlaces, undefined, LOOK_MS, () => placesOf(server.url))
  }
  await asker.met(1)
  await pause(SETTLE_MS)
  say(`${nodes} Node peers and ${tabCount} tabs are there`)

  const isOver = new AbortController()
  closers.push(() => isOver.abort())
  const asking = keepAsking(asker, isOver.signal)
  const restarts = []
  for (let kill = 1; kill <= flags.kills; kill++) {
    await pause(flags['down-ms'])
    await server.end('SIGKILL')
    await pause(flags['down-ms'])
    server = await startServer(first)
    restarts.push(await reachable(server.url, everybody, browser, state))
    say(`kill ${kill}: ${JSON.stringify(restarts.at(-1))}`)
  }
  isOver.abort()
  const asked = summary(await asking)
  const row = { nodes, processes, tabs: tabCount, second: flags.second, restarts }
  process.stdout.write(`${JSON.stringify({ ...row, ...asked, twice: asker.twice() })}\n`)
}

/** Until a tab serves; it is loaded again where the machine was too busy to let it join, as a visitor would. */
function serving(tab) {
  const isServing = async () => {
    const { state } = await snapshotOf(tab)
    if (state === 'offline') await tab.reload()
    return state === 'serving'
  }
  return until('a tab serves', isServing, JOINED_MS_MAX, LOOK_MS)
}

async function keepAsking(asker, signal) {
  const asked = []
  const startMs = performance.now()
  while (!signal.aborted) {
    asked.push(asker.ask())
    const nextMs = startMs + asked.length * flags['every-ms']
    await pause(Math.max(0, nextMs - performance.now()), undefined, { signal }).catch(() => {})
  }
  return Promise.all(asked)
}

/** How long after a start all can be found again, milliseconds. */
async function reachable(url, everybody, browser, state) {
  const startMs = performance.now()
  const since = async (what, holds, instead) => {
    await until(what, holds, REACHABLE_MS_MAX, LOOK_MS, instead)
    return Math.round(performance.now() - startMs)
  }
  const havePlaces = async () => (await reservations(url)) >= tabCount
  const [countedMs, reservedMs] = await Promise.all([
    since('all are counted again', async () => (await counted(url)) >= everybody, state),
    tabCount > 0 ? since('all tabs have places', havePlaces, () => placesOf(url)) : null,
  ])
  const load = Math.round(loadavg()[0])
  if (browser === undefined) return { countedMs, load }
  say(`all are back: ${JSON.stringify({ countedMs, reservedMs })}`)
  const openedMs = performance.now()
  const tab = await openTab(browser, url)
  const tabState = async () => {
    const { reason, peers } = await snapshotOf(tab)
    return `it has met ${peers.length} peers, and says: ${reason}`
  }
  const hasMet = () => hasMetTab(tab)
  await until('a new tab has met a tab', hasMet, REACHABLE_MS_MAX, undefined, tabState)
  const newTabMs = Math.round(performance.now() - openedMs)
  await tab.close()
  return { countedMs, reservedMs, newTabMs, load }
}

async function counted(url) {
  const text = await read(`${url}/bootstrap.json`)
  // One that has just started says that it is not ready yet.
  const { releases: [release] = [] } = text === undefined ? {} : JSON.parse(text)
  return release?.lanes.reduce((sum, { providers }) => sum + providers, 0) ?? 0
}

async function reservations(url) {
  const text = (await read(`${url}/metrics`)) ?? ''
  return Number(/^layerswarm_reservations (\d+)/m.exec(text)?.[1] ?? 0)
}

async function placesOf(url) {
  return `${await reservations(url)} of ${tabCount} tabs have one`
}

/** How many the server counts, and who of all others knows why it is not one of them. */
async function countedOf(url, everybody, providers, tabs) {
  const [count, groups, pages] = await Promise.all([
    counted(url),
    Promise.all(providers.map((one) => inTime(one.ask()))),
    Promise.all(tabs.map((tab) => inTime(snapshotOf(tab)))),
  ])
  const lost = (servers) => !servers.some((one) => one.url === `${url}/` && one.relay !== 'lost')
  const named = (what, names) => (names.length > 0 ? [`${what} ${names.join(', ')}`] : [])
  const nodesOut = groups.flatMap((one) => one?.ids.filter((_, i) => lost(one.servers[i])) ?? [])
  const tabsOut = pages.flatMap((one) => (one && lost(one.servers) ? [one.peerId] : []))
  const silent = [
    ...providers.flatMap(({ pid }, i) => (groups[i] === undefined ? [`process ${pid}`] : [])),
    ...pages.flatMap((one, i) => (one === undefined ? [`tab ${i + 1}`] : [])),
  ]
  const reasons = [
    ...named('not connected to it:', [...nodesOut, ...tabsOut]),
    ...named('without an answer:', silent),
  ]
  const why = reasons.length > 0 ? reasons.join('; ') : 'all are connected to it'
  return `${count} of ${everybody} are counted; ${why}`
}

/** What comes of it; undefined when it takes too long. */
function inTime(answer) {
  const late = pause(ANSWER_MS_MAX, undefined, { ref: false })
  return Promise.race([answer.catch(() => undefined), late])
}

/** What stands there; undefined where a socket is taken up again whose server was killed. */
async function read(url) {
  try {
    return await (await fetch(url)).text()
  } catch {
    return undefined
  }
}

async function hasMetTab(page) {
  const { hostedLayers, peers } = await snapshotOf(page)
  const isTab = ({ transport, connection }) => transport === 'webrtc' && connection === 'direct'
  return hostedLayers.length > 0 && peers.some(isTab)
}
