/**
 * How well a peer keeps the deadlines of its requests on a busy machine: whatever is missing, an answer or an error comes
 * in time, and no error where an answer was to be had. Prints a line for each situation and deadline, and all of them as
 * one JSON line at the end.
 *
 *   node scripts/faults/deadlines.mjs [--load 4] [--requests 1000] [--every-ms 100]
 *
 * `--load`      processes that compute without a pause beside it
 * `--requests`  in all, spread over the situations and deadlines; of 1 ms, 50 ms, 1 s and 5 s
 *
 * The situations: no neighbour; slow ones, which compute for 3 ms of every 600; good ones; good ones in a lane that
 * another peer blocks with 544 first steps of 17 throw-away keys (`attack-crowd`); half of them stopped; all of them.
 * An answer of `minLayers` (4 of 8) was to be had where a step with so many layers was heard before the deadline:
 * of an error in spite of it `heldMs` tells for how long at most. Needs a build.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { loadavg } from 'node:os'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as pause } from 'node:timers/promises'
import { openAsker } from './asker.mjs'
import { Failure } from './failure.mjs'
import { readFlags } from './flags.mjs'
import { freePort, say, startPeers, startScript, startServer, until } from './processes.mjs'

const DEADLINES_MS = [1, 50, 1_000, 5_000]
const MIN_LAYERS = 4
const HALVES = [
  [0, 1, 2, 3],
  [4, 5, 6, 7],
]
/** A provider that computes for so much of its time. */
const SLOW_SHARE = 0.005
/** New peers load their layers and measure their ways. */
const SETTLE_MS = 5_000
/** A promise of the protocol: docs/decisions/0025. */
const LATE_MS_MAX = 100

const {
  load,
  requests,
  'every-ms': everyMs,
} = readFlags({
  load: 4,
  requests: 1_000,
  'every-ms': 100,
})
/** When a step with enough layers was first heard, by request. */
const heardMs = new Map()
const server = await startServer({ port: await freePort() })
const burners = Array.from({ length: load }, () =>
  spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' }),
)
const asker = await openAsker({
  join: server.url,
  tap(_, { kind, request, route }) {
    if (kind === 'step' && route.length >= MIN_LAYERS && !heardMs.has(request))
      heardMs.set(request, performance.now())
  },
})
let providers = []
let hostile
const rows = []
try {
  await measure()
  const lateMs = Math.max(...rows.map((row) => row.latestMs))
  const sum = (name) => rows.reduce((all, row) => all + row[name], 0)
  const total = { asked: sum('asked'), over100: sum('over100'), errorsHeld: sum('errorsHeld') }
  process.stdout.write(`${JSON.stringify({ burners: load, ...total, latestMs: lateMs, rows })}\n`)
} finally {
  await hostile?.end()
  await endProviders()
  for (const one of burners) {
    one.kill('SIGKILL')
    await once(one, 'close')
  }
  await asker.stop()
  await server.end()
}

async function measure() {
  await situation('no neighbour')
  await provide(2, { timeShare: SLOW_SHARE })
  await situation('slow neighbours')
  await endProviders()
  await provide(4, {})
  await asker.askMany(20, 50)
  await situation('good neighbours')
  hostile = startScript('./hostile.mjs', ['crowd', server.url])
  await until('the attacker has met everybody', async () => {
    const answer = await hostile.ask()
    if (answer === undefined) throw new Failure('the attacker ended')
    return answer.neighbours > providers.length
  })
  await hostile.ask({ begin: true, spares: [] })
  await situation('a blocked lane')
  await hostile.end()
  hostile = undefined
  await situation('half stopped', 2)
  await situation('all stopped', 4)
}

/** Providers, of one half of the layers and of the other in turn. */
async function provide(count, options) {
  const how = { join: server.url, webrtc: false, capacity: 0, ...options }
  providers = Array.from({ length: count }, (_, i) => startPeers({ ...how, serve: HALVES[i % 2] }))
  await asker.met(count)
  await pause(SETTLE_MS)
}

async function endProviders() {
  await Promise.all(providers.map((one) => one.end()))
  providers = []
}

/** Asks within each deadline. @param stopped so many providers hear nothing meanwhile. */
async function situation(name, stopped = 0) {
  const count = Math.ceil(requests / 6 / DEADLINES_MS.length)
  for (const deadlineMs of DEADLINES_MS) {
    if (providers.length > 0) await asker.met(providers.length)
    const delay = monitorEventLoopDelay({ resolution: 5 })
    for (const one of providers.slice(0, stopped)) one.signal('SIGSTOP')
    delay.enable()
    const asked = await askSpread(count, deadlineMs)
    delay.disable()
    for (const one of providers.slice(0, stopped)) one.signal('SIGCONT')
    rows.push(rowOf(name, deadlineMs, asked, delay.max / 1e6))
    say(JSON.stringify(rows.at(-1)))
  }
}

async function askSpread(count, deadlineMs) {
  const asked = []
  for (let i = 0; i < count; i++) {
    asked.push(asker.ask({ deadlineMs, minLayers: MIN_LAYERS }))
    await pause(everyMs)
  }
  return Promise.all(asked)
}

function rowOf(situation, deadlineMs, asked, loopMs) {
  const late = asked.map(({ ms }) => ms - deadlineMs).sort((a, b) => a - b)
  const failed = asked.filter(({ error }) => error !== undefined)
  /** For how long there was something to answer with. */
  const held = failed
    .map(({ request, startMs }) => startMs + deadlineMs - heardMs.get(request))
    .filter((ms) => ms > 0)
  return {
    situation,
    deadlineMs,
    asked: asked.length,
    answered: asked.length - failed.length,
    whole: asked.filter(({ missing }) => missing === 0).length,
    latestMs: Math.round(late.at(-1)),
    over100: late.filter((ms) => ms > LATE_MS_MAX).length,
    errorsHeld: held.length,
    heldMs: Math.round(Math.max(0, ...held)),
    // How long the thread that asks was kept from its turn at most.
    loopMs: Math.round(loopMs),
    load: Math.round(loadavg()[0]),
    error: failed[0]?.error,
  }
}
