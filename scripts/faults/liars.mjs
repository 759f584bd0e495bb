/**
 * How many answers of a swarm of real processes are wrong where some of its providers lie, what it takes to find them
 * out, and what that costs. Prints progress, and one JSON line.
 *
 *   node scripts/faults/liars.mjs [--processes 20] [--liars 2] [--requests 1000] [--every-ms 250]
 *                                 [--lie mixed] [--seed 1]
 *
 * `--lie`  `mirrored`  every layer's step with the other sign, in which all such liars agree
 *          `random`    a step of the right size in a random direction
 *          `mixed`     one liar after the other has one of these
 *
 * Every provider hosts four of the eight layers of models/fashion-vit; the liars are wrong in each of them, and honest
 * in everything else. One peer, which hosts nothing, asks for a picture of the samples every --every-ms; --seed draws
 * which. An answer is wrong where the class scores are not those that the model gives in the order that it names
 * (docs/reliability.md), and caused by a liar where one had a part in it. Needs a build with onnxruntime-node.
 */
import { loadavg } from 'node:os'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { grayTensor, mulberry32 } from '@layerswarm/model'
import { readSamples, sampleAt } from '../../apps/cli/dist/images/samples.js'
import { AuditWatch } from '../../packages/lab/dist/audit-report.js'
import { openAsker, summary } from './asker.mjs'
import { readFlags } from './flags.mjs'
import { freePort, say, startPeers, startScript, startServer, until } from './processes.mjs'
import { openRecounting } from './recounting.mjs'

const MODEL = fileURLToPath(new URL('../../models/fashion-vit', import.meta.url))
const SAMPLES = fileURLToPath(new URL('../../models/samples/fashion-mnist-500', import.meta.url))
const LAYERS_EACH = 4
/** What the lab calls a liar that others agree with, and one that nobody does. */
const ACTORS = { mirrored: 'scaled', random: 'random' }
/** New processes load their layers and measure their ways. */
const SETTLE_MS = 10_000
/** Twenty processes load their code at once. */
const JOINED_MS_MAX = 600_000
const PROGRESS_REQUESTS = 100
/** The asker is a member like any other, and holds requests of its own back beyond 16. */
const OPEN_MAX = 16

const flags = readFlags({
  processes: 20,
  liars: 2,
  requests: 1_000,
  'every-ms': 250,
  lie: ['mixed', 'mirrored', 'random'],
  seed: 1,
})
const { processes, requests, seed } = flags
if (flags.liars > processes) {
  process.stderr.write(`--liars is ${flags.liars} and must be at most --processes, ${processes}\n`)
  process.exit(2)
}
const draw = mulberry32(seed)
const server = await startServer({ port: await freePort() })
const options = { join: server.url, capacity: LAYERS_EACH, webrtc: false }
const honest = Array.from({ length: processes - flags.liars }, () => startPeers(options))
const liars = Array.from({ length: flags.liars }, (_, index) => {
  const lie = flags.lie === 'mixed' ? Object.keys(ACTORS)[index % 2] : flags.lie
  const words = [JSON.stringify(options), lie, String(seed + index)]
  return { lie, process: startScript('./liar.mjs', words, { detached: true }) }
})
let asker
try {
  // One that joins while twenty others do is not answered in time.
  await until('all have joined', allHost, JOINED_MS_MAX, undefined, hostingState)
  asker = await openAsker({ join: server.url })
  await asker.met(processes)
  /** What each provider is up to. */
  const actors = new Map()
  for (const one of honest) for (const id of (await one.ask()).ids) actors.set(id, 'honest')
  for (const one of liars)
    for (const id of (await one.process.ask()).ids) actors.set(id, ACTORS[one.lie])
  await pause(SETTLE_MS)
  const report = await askAll(actors)
  const row = { processes, liars: flags.liars, lie: flags.lie, seed }
  process.stdout.write(`${JSON.stringify({ ...row, ...report })}\n`)
} finally {
  await asker?.stop()
  await Promise.all([...honest, ...liars.map((one) => one.process)].map((one) => one.end()))
  await server.end()
}

async function hosting() {
  const all = [...honest, ...liars.map((one) => one.process)]
  return (await Promise.all(all.map((one) => one.ask()))).filter((one) => one?.hosting > 0).length
}

async function allHost() {
  return (await hosting()) >= processes
}

async function hostingState() {
  return `${await hosting()} of ${processes} host layers`
}

async function askAll(actors) {
  const samples = await readSamples(SAMPLES)
  const { preprocessing } = asker.peer.manifest
  const watch = new AuditWatch()
  /** Requests that were asked when a peer was outvoted for the first time. */
  const outvoted = new Map()
  const asked = []
  asker.peer.on((event) => {
    watch.heard('asker', event, (peer) => actors.get(peer), performance.now())
    if (event.type === 'peer-outvoted' && !outvoted.has(event.peer))
      outvoted.set(event.peer, asked.length)
  })
  const recounting = await openRecounting(MODEL)
  let wrong = 0
  let byLiars = 0
  let otherClass = 0
  try {
    const startMs = performance.now()
    const open = new Set()
    for (let i = 0; i < requests; i++) {
      const { pixels } = sampleAt(samples, Math.floor(draw() * samples.count))
      while (open.size >= OPEN_MAX) await Promise.race(open)
      const one = askOne(grayTensor(pixels, preprocessing))
      asked.push(one)
      open.add(one)
      one.finally(() => open.delete(one)).catch(() => undefined)
      await pause(Math.max(0, startMs + (i + 1) * flags['every-ms'] - performance.now()))
      if ((i + 1) % PROGRESS_REQUESTS === 0)
        say(`${i + 1} asked: ${wrong} wrong, ${outvoted.size} outvoted, load ${load()}`)
    }
    const ended = await Promise.all(asked)
    const audits = watch.report()
    const all = summary(ended)
    return {
      ...all,
      wrong,
      byLiars,
      otherClass,
      wrongShare: wrong / all.answered,
      // The last half of the answers, when most is known.
      wrongLate: ended.slice(ended.length / 2).filter(({ isWrong }) => isWrong).length,
      layersUntilOutvoted: audits.layersUntilOutvoted,
      outvoted: [...outvoted].map(([peer, after]) => ({ actor: actors.get(peer), after })),
      honestBarred: [...outvoted.keys()].filter((peer) => actors.get(peer) === 'honest').length,
      auditShare: audits.share,
      steadyAuditShare: audits.steadyShare,
      load: load(),
    }
  } finally {
    await Promise.allSettled(asked)
    await recounting.close()
  }

  async function askOne(image) {
    const outcome = await asker.askFor(image)
    const { answer, ...rest } = outcome
    if (answer === undefined) return rest
    const { isWrong, isOtherClass } = await recounting.compare(image, answer)
    if (isWrong) {
      wrong++
      if (answer.route.some(({ peer }) => (actors.get(peer) ?? 'honest') !== 'honest')) byLiars++
      if (isOtherClass) otherClass++
    }
    return { ...rest, isWrong }
  }
}

function load() {
  return Math.round(loadavg()[0])
}
