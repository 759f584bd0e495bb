/**
 * What becomes of requests in rounds of 4 + 4 while two layers lose their only hosts for good, in a swarm of real
 * processes: whether each is answered, names every layer as run or missing, and how many answers are right. Prints
 * progress, and one JSON line.
 *
 *   node scripts/faults/losses.mjs [--samples 500] [--open 4]
 *
 * `--open`  so many requests are open at once
 *
 * Of models/fashion-vit-rounds the first six layers have two hosts each, the last two one each, which are killed with
 * SIGKILL when half of the samples are answered. Needs a build.
 */
import { loadavg } from 'node:os'
import { fileURLToPath } from 'node:url'
import { grayTensor } from '@layerswarm/model'
import { readSamples, sampleAt } from '../../apps/cli/dist/images/samples.js'
import { openAsker } from './asker.mjs'
import { readFlags, requireAtLeast } from './flags.mjs'
import { freePort, say, startPeers, startServer } from './processes.mjs'

const MODEL = fileURLToPath(new URL('../../models/fashion-vit-rounds', import.meta.url))
const SAMPLES = fileURLToPath(new URL('../../models/samples/fashion-mnist-500', import.meta.url))
const GROUPS = [4, 4]
const HOSTED = [[0, 1, 2], [0, 1, 2], [3, 4, 5], [3, 4, 5], [6], [7]]
const LOST = [6, 7]
const PROGRESS_SAMPLES = 100

const flags = readFlags({ samples: 500, open: 4 })
requireAtLeast({ samples: 1, open: 1 }, flags)
const samples = await readSamples(SAMPLES)
const server = await startServer({ port: await freePort(), flags: ['--model', MODEL] })
const peers = HOSTED.map((serve) => startPeers({ join: server.url, serve, webrtc: false }))
let asker
try {
  asker = await openAsker({ join: server.url })
  await asker.met(HOSTED.length)
  say(`${HOSTED.length} peers are there`)
  const asked = await askAll()
  const { layers } = asker.peer.manifest.spec
  const row = {
    samples: flags.samples,
    answered: asked.filter(({ answer }) => answer !== undefined).length,
    // Every layer was run or is named as missing, once.
    labelled: asked.filter(({ answer }) => answer !== undefined && namesAll(answer, layers)).length,
    before: outcome(asked.filter(({ ended }) => ended === 'before')),
    after: outcome(asked.filter(({ begun }) => begun === 'after')),
    measured: asker.peer.manifest.rounds?.[GROUPS.join('+')],
    load: Math.round(loadavg()[0]),
  }
  process.stdout.write(`${JSON.stringify(row)}\n`)
} finally {
  await asker?.stop()
  await Promise.all(peers.map((one) => one.end()))
  await server.end()
}

async function askAll() {
  const asked = []
  let next = 0
  let phase = 'before'
  const work = async () => {
    while (next < flags.samples) {
      const begun = phase
      const { pixels, label } = sampleAt(samples, next++ % samples.count)
      const image = grayTensor(pixels, asker.peer.manifest.preprocessing)
      const { answer } = await asker.askFor(image, { rounds: GROUPS })
      const [row = []] = answer?.probabilities ?? []
      const isRight = row.indexOf(Math.max(...row)) === label
      asked.push({ answer, isRight, begun, ended: phase })
      if (asked.length % PROGRESS_SAMPLES === 0) say(`${asked.length} asked`)
      if (phase === 'after' || asked.length < flags.samples / 2) continue
      phase = 'after'
      for (const peer of peers.slice(-LOST.length)) peer.signal('SIGKILL')
      say(`the hosts of layers ${LOST.join(' and ')} were killed`)
    }
  }
  await Promise.all(Array.from({ length: flags.open }, work))
  return asked
}

function namesAll({ route, missingLayers }, layers) {
  const named = [...route.map(({ layer }) => layer), ...missingLayers].toSorted((a, b) => a - b)
  return named.join() === Array.from({ length: layers }, (_, layer) => layer).join()
}

/** Of these: how many were answered, with every layer, without both that were lost, and right. */
function outcome(asked) {
  const answers = asked.flatMap(({ answer }) => answer ?? [])
  return {
    asked: asked.length,
    answered: answers.length,
    whole: answers.filter(({ missingLayers }) => missingLayers.length === 0).length,
    withoutLost: answers.filter(({ missingLayers }) => LOST.every((l) => missingLayers.includes(l)))
      .length,
    right: asked.filter(({ isRight }) => isRight).length,
  }
}
