/**
 * What becomes of requests while the providers of a swarm of real processes fail. Prints progress, and one JSON line.
 *
 *   node scripts/faults/providers.mjs [--fault kill] [--processes 16] [--minutes 10] [--per-minute 0.2]
 *                                     [--every-ms 250] [--fault-ms N] [--seed 1]
 *
 * `--fault kill`       SIGKILL; another process takes the place
 *         `stop`       SIGSTOP, and SIGCONT after --fault-ms (5000)
 *         `clock`      the wall clock jumps: two hours ahead, two hours behind, and right again; the server's as well
 *         `partition`  half of the providers are cut off without a word for --fault-ms (20000), again and again, and how
 *                      long until they count and are connected again is told: two network namespaces and nft
 *                      between them, made and removed by this script; as root
 * `--per-minute`       so much of all providers in a minute: which one, and when, is drawn with --seed
 *
 * One request every --every-ms, whatever becomes of those before. One provider is left alone, and how much memory,
 * files and handles it, the asker and the server have is told after the first minute and at the end. Needs a build.
 */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { loadavg } from 'node:os'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { openAsker, summary } from './asker.mjs'
import { Failure } from './failure.mjs'
import { NUMBER, readFlags } from './flags.mjs'
import { freePort, say, startPeers, startServer, until, usageOf } from './processes.mjs'

const LAYERS_EACH = 4
const CLOCK = new URL('./jumping-clock.mjs', import.meta.url)
const NEAR = { space: 'layerswarm-faults-near', host: '10.213.77.1', link: 'lsf-near' }
const FAR = { space: 'layerswarm-faults-far', host: '10.213.77.2', link: 'lsf-far' }
const CUT_EVERY_MS = 30_000
/** New processes load their layers and measure their ways. */
const SETTLE_MS = 5_000
const MINUTE_MS = 60_000
/** After a partition everybody counts again within this. */
const HEALED_MS_MAX = 60_000

const flags = readFlags({
  fault: ['kill', 'stop', 'clock', 'partition'],
  processes: 16,
  minutes: 10,
  'per-minute': 0.2,
  'every-ms': 250,
  'fault-ms': NUMBER,
  seed: 1,
  inside: false,
})
const { fault, processes, seed } = flags
const totalMs = flags.minutes * MINUTE_MS
const faultMs = flags['fault-ms'] ?? (fault === 'partition' ? 20_000 : 5_000)

if (fault === 'partition' && !flags.inside) await runInNamespaces()
else await run()

/** Runs this script again in a network of two namespaces, and removes them. */
async function runInNamespaces() {
  const ip = (...words) => execFileSync('ip', words)
  const remove = () => {
    for (const { space } of [NEAR, FAR])
      try {
        execFileSync('ip', ['netns', 'del', space], { stdio: 'ignore' })
      } catch {
        // It was not there.
      }
  }
  remove()
  try {
    for (const { space } of [NEAR, FAR]) ip('netns', 'add', space)
    ip(
      '-n',
      NEAR.space,
      'link',
      'add',
      NEAR.link,
      'type',
      'veth',
      'peer',
      FAR.link,
      'netns',
      FAR.space,
    )
    for (const { space, host, link } of [NEAR, FAR]) {
      ip('-n', space, 'addr', 'add', `${host}/24`, 'dev', link)
      ip('-n', space, 'link', 'set', link, 'up')
      ip('-n', space, 'link', 'set', 'lo', 'up')
    }
    const words = [process.execPath, fileURLToPath(import.meta.url), ...process.argv.slice(2)]
    const child = spawn('ip', ['netns', 'exec', NEAR.space, ...words, '--inside'], {
      stdio: 'inherit',
    })
    const [code] = await once(child, 'close')
    process.exitCode = code ?? 1
  } finally {
    remove()
  }
}

/** Numbers from 0 to 1 that a seed repeats (mulberry32). */
function draws(seed) {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

async function run() {
  const isCut = fault === 'partition'
  const host = isCut ? NEAR.host : '127.0.0.1'
  const clock = fault === 'clock' ? ['--import', CLOCK.href] : []
  const server = await startServer({ host, port: await freePort(host), execArgv: clock })
  const start = (index) => {
    const isFar = isCut && index % 2 === 1
    const at = isFar ? FAR.host : host
    const options = { join: server.url, host: at, capacity: LAYERS_EACH, webrtc: false }
    const words = isFar ? ['ip', 'netns', 'exec', FAR.space] : []
    return startPeers(options, { words, execArgv: index === 0 ? ['--expose-gc'] : clock })
  }
  const providers = Array.from({ length: processes }, (_, index) => start(index))
  const asker = await openAsker({ join: server.url, host })
  const isOver = new AbortController()
  try {
    await asker.met(Math.min(processes, 8))
    await pause(SETTLE_MS)
    const faults = { count: 0, healedMs: [] }
    const failing = isCut
      ? cutting(server.url, asker, faults, isOver.signal)
      : fail(providers, start, faults, server, isOver.signal)
    const report = await askAndWatch(asker, providers[0], server.pid)
    isOver.abort()
    await failing
    const row = { fault, processes, minutes: flags.minutes, seed }
    process.stdout.write(
      `${JSON.stringify({ ...row, faults: faults.count, healedMs: faults.healedMs, ...report })}\n`,
    )
  } finally {
    isOver.abort()
    await asker.stop()
    // Stopped ones do not hear anything but this.
    await Promise.all(providers.map((one) => one.end()))
    await server.end()
  }
}

/** A provider after the other, at drawn moments; the first one is left alone. */
async function fail(providers, start, faults, server, signal) {
  const draw = draws(seed)
  const meanMs = MINUTE_MS / (flags['per-minute'] * processes)
  const after = (ms) => pause(ms, undefined, { signal }).catch(() => undefined)
  for (;;) {
    await after(-Math.log(1 - draw()) * meanMs)
    if (signal.aborted) return
    const index = 1 + Math.floor(draw() * (processes - 1))
    faults.count++
    if (fault === 'kill') {
      await providers[index].end('SIGKILL')
      providers[index] = start(index)
    } else if (fault === 'clock') {
      providers[index].signal('SIGUSR2')
      if (draw() * processes < 1) process.kill(server.pid, 'SIGUSR2')
    } else {
      providers[index].signal('SIGSTOP')
      after(faultMs).then(() => providers[index].signal('SIGCONT'))
    }
  }
}

/** Half of the providers hear nothing for a while, again and again, and then count again. */
async function cutting(url, asker, faults, signal) {
  const nft = (rules) => {
    try {
      execFileSync('nft', ['-f', '-'], { input: rules })
    } catch (error) {
      if (error.code !== 'ENOENT') throw error
      throw new Failure('nft is not there, with which networks are cut: install nftables')
    }
  }
  const counted = async () => {
    const { releases } = await (await fetch(`${url}/bootstrap.json`)).json()
    return releases[0].lanes.reduce((sum, { providers }) => sum + providers, 0)
  }
  const after = (ms) => pause(ms, undefined, { signal }).catch(() => undefined)
  while (!signal.aborted) {
    await after(CUT_EVERY_MS)
    if (signal.aborted) return
    faults.count++
    nft(`table inet cut {
      chain in { type filter hook input priority 0; iifname "${NEAR.link}" drop; }
      chain out { type filter hook output priority 0; oifname "${NEAR.link}" drop; }
    }`)
    await pause(faultMs)
    nft('delete table inet cut')
    const healedMs = performance.now()
    const isWhole = async () => (await counted()) >= processes
    const state = async () => `${await counted()} of ${processes} are counted`
    await until('all count again', isWhole, HEALED_MS_MAX, undefined, state)
    await asker.met(processes)
    faults.healedMs.push(Math.round(performance.now() - healedMs))
    say(
      `cut ${faults.count}: all ${processes} are back ${faults.healedMs.at(-1)} ms after it was healed`,
    )
  }
}

async function askAndWatch(asker, survivor, serverPid) {
  const asked = []
  const look = async () => {
    const { heapMB, handles } = (await survivor.ask()) ?? {}
    return {
      asker: {
        ...(await usageOf(process.pid)),
        heapMB: collectedMB(),
        handles: process.getActiveResourcesInfo().length,
      },
      provider: { ...(await usageOf(survivor.pid)), heapMB: Math.round(heapMB), handles },
      server: await usageOf(serverPid),
    }
  }
  const startMs = performance.now()
  let first
  let saidMs = startMs
  for (let i = 1; performance.now() - startMs < totalMs; i++) {
    asked.push(asker.ask())
    await pause(Math.max(0, startMs + i * flags['every-ms'] - performance.now()))
    if (first === undefined && performance.now() - startMs > Math.min(MINUTE_MS, totalMs / 4))
      first = await look()
    if (performance.now() - saidMs > MINUTE_MS / 2) {
      saidMs = performance.now()
      const ended = summary(await settledOf(asked))
      say(
        `${Math.round((saidMs - startMs) / 1000)} s: ${ended.answered} of ${ended.requests} answered, p95 ${ended.p95Ms} ms, load ${loadavg()[0].toFixed(0)}`,
      )
    }
  }
  const all = summary(await Promise.all(asked))
  return { ...all, twice: asker.twice(), first, last: await look() }
}

/** What those have ended with that have ended. */
async function settledOf(asked) {
  const open = Symbol('open')
  const all = await Promise.all(asked.map((one) => Promise.race([one, Promise.resolve(open)])))
  return all.filter((one) => one !== open)
}

/** The heap of this process after a collection, MB. */
function collectedMB() {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
  const { heapUsed, external } = process.memoryUsage()
  return Math.round((heapUsed + external) / 1e6)
}
