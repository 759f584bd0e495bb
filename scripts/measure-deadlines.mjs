/**
 * How well peers of real processes keep their deadlines on a busy machine: answers, errors and by how much each came
 * too late, with no neighbour, with neighbours that are stopped, with slow ones, and with good ones.
 *
 *   node scripts/measure-deadlines.mjs [--load 4] [--requests 1000]
 *
 * `--load`: processes that compute without a pause beside it. Needs a build.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { randomTensor } from '@layerswarm/model'
import { createPeer } from '@layerswarm/peer'

const DEADLINES_MS = [1, 50, 1_000, 5_000]
const ASKED_EACH = 3
/** A provider that computes for so much of its time: 3 ms of every 600. */
const SLOW_SHARE = 0.005
const LAYERS = 8
const READY_MS_MAX = 60_000
/** The good ones load their layers and measure their ways. */
const SETTLE_MS = 5_000

const self = fileURLToPath(import.meta.url)
const command = fileURLToPath(new URL('../apps/cli/bin/layerswarm.js', import.meta.url))
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
const how = { webrtc: false, capacity: 0 }

/** A provider, until it is ended. */
async function provide(join, layers, timeShare) {
  const peer = createPeer({ join, ...how, serve: layers })
  await peer.start()
  peer.setTimeShare(timeShare)
  process.once('SIGTERM', () => peer.stop())
}

function child(...words) {
  return spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'ignore'] })
}

const provider = (join, layers, share = 1) =>
  child(self, 'provider', join, layers.join(','), String(share))

async function end(children) {
  await Promise.all(
    children.map(async (one) => {
      one.kill('SIGKILL')
      await once(one, 'close')
    }),
  )
}

async function until(what, condition) {
  const untilMs = performance.now() + READY_MS_MAX
  while (!condition()) {
    if (performance.now() > untilMs) throw new Error(`${what} did not happen in time`)
    await pause(20)
  }
}

/** One request, timed from the call. */
async function ask(peer, policy, seed) {
  const { channels, imageSize } = peer.manifest.spec
  const images = randomTensor([1, channels, imageSize, imageSize], seed)
  const startMs = performance.now()
  const end = (outcome) => ({ ...outcome, lateMs: performance.now() - startMs - policy.deadlineMs })
  try {
    const { answer } = await peer.classify(images, policy)
    const { route, totalMs } = await answer
    return end({ code: 'answered', layers: route.length, totalMs })
  } catch (error) {
    return end({ code: error.code ?? String(error), line: error.message, layers: 0 })
  }
}

/** @param loopMs how long the thread that asks was kept from its turn at most. */
function show(situation, deadlineMs, asked, loopMs) {
  const counts = {}
  for (const { code } of asked) counts[code] = (counts[code] ?? 0) + 1
  const late = asked.map(({ lateMs }) => lateMs).toSorted((a, b) => a - b)
  const whole = asked.filter(({ layers }) => layers === LAYERS).length
  const row = {
    situation,
    deadlineMs,
    ...counts,
    whole,
    latestMs: Math.round(late.at(-1)),
    over100: late.filter((ms) => ms > 100).length,
    loopMs,
    line: asked.find(({ line }) => line !== undefined)?.line,
  }
  process.stdout.write(`${JSON.stringify(row)}\n`)
}

/** The URL of a server that has just started. */
async function urlOf({ stdout }) {
  let text = ''
  stdout.on('data', (data) => {
    text += data
  })
  await until('the server', () => text.includes('\n'))
  return JSON.parse(text).ready
}

/** Asks so often within each deadline. @param around what is done with each request. */
async function askMany(peer, situation, deadlines, count, around = (one) => one()) {
  for (const deadlineMs of deadlines) {
    const asked = []
    const delay = monitorEventLoopDelay({ resolution: 5 })
    delay.enable()
    for (let i = 0; i < count; i++) asked.push(await around(() => ask(peer, { deadlineMs }, i)))
    show(situation, deadlineMs, asked, Math.round(delay.max / 1e6))
  }
}

async function measure(peer, join, requests, providers) {
  const isCovered = () => peer.snapshot().coverage.every((hosts) => hosts > 0)
  const isMet = () => peer.snapshot().peers.some(({ connection }) => connection === 'direct')
  const start = (share, count) => {
    for (let i = 0; i < count; i++)
      providers.push(provider(join, i % 2 === 0 ? [0, 1, 2, 3] : [4, 5, 6, 7], share))
    return until('the meeting', () => isCovered() && isMet())
  }
  await askMany(peer, 'no neighbour', DEADLINES_MS, ASKED_EACH)
  await start(SLOW_SHARE, 2)
  await askMany(peer, 'slow neighbours', DEADLINES_MS, ASKED_EACH)
  await end(providers.splice(0))
  await start(1, 4)
  await pause(SETTLE_MS)
  await askMany(peer, 'good neighbours', [50, 250, 1_000, 5_000], requests / 4)
  await askMany(peer, 'stopped neighbours', DEADLINES_MS, ASKED_EACH, async (request) => {
    await until('the neighbours', isCovered)
    for (const one of providers) one.kill('SIGSTOP')
    const outcome = await request()
    for (const one of providers) one.kill('SIGCONT')
    return outcome
  })
}

async function run(load, requests) {
  const server = child(command, 'signaling', '--port', '0', '--json')
  const join = await urlOf(server)
  const peer = createPeer({ join, ...how, serve: 'none' })
  const providers = []
  const burners = Array.from({ length: load }, () => child('-e', 'for (;;);'))
  try {
    await peer.start()
    await measure(peer, join, requests, providers)
  } finally {
    await end([...providers, ...burners])
    await peer.stop()
    server.kill('SIGTERM')
  }
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    load: { type: 'string', default: '4' },
    requests: { type: 'string', default: '1000' },
  },
})
if (positionals[0] === 'provider') {
  const [, join, layers, share] = positionals
  await provide(join, layers.split(',').map(Number), Number(share))
} else {
  await run(Number(values.load), Number(values.requests))
}
