import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { randomTensor } from '@layerswarm/model'
import { PEER_DEFAULTS, type Peer } from '@layerswarm/peer'
import { CliError } from '../cli-error.ts'
import { joinAsRequester } from '../swarm/join-swarm.ts'
import type { LocalSwarm } from '../swarm/local-swarm.ts'
import { pause } from '../until-aborted.ts'
import { type Bench, type BenchOptions, type BenchRow, row } from './bench.ts'
import { startBenchSwarm } from './bench-swarm.ts'
import {
  VIT_B_DEADLINE_MS,
  VIT_B_HOSTS,
  VIT_B_LAYERS_PER_PEER,
  VIT_B_LOOK_INTERVAL_MS,
  VIT_B_PEER_MB_MAX,
  VIT_B_READY_MS_MAX,
  VIT_B_REST_MS,
  VIT_B_WEIGHTS_FACTOR_MAX,
} from './limits.ts'
import { writeSyntheticRelease } from './synthetic-release.ts'
import { answerRows, askOneByOne, type VitBAnswer } from './vit-b-answers.ts'
import { VIT_B_SPEC } from './vit-b-spec.ts'
import { vitBInTabs } from './vit-b-tabs.ts'

const MB = 1e6
const ENGINE = 'ort-node'

/**
 * A model of real size, of random weights, through four Node peers in processes of their own and through four tabs
 * (WASM): how long an answer takes, whether the release's order is kept, and what memory each of them takes.
 */
export const vitB: Bench = {
  name: 'vit-b',
  compares: 'four Node peers with six layers of ViT-B each, four tabs with four, and their bounds',
  rounds: 10,
  async run(options) {
    const scratch = await mkdtemp(join(tmpdir(), 'layerswarm-bench-'))
    try {
      options.log('writing a release of 86.6 million random weights')
      const folder = await writeSyntheticRelease(scratch, 'vit-b', VIT_B_SPEC)
      const peers = await inProcesses(folder, options)
      return [...peers, ...(await vitBInTabs(folder, options))]
    } finally {
      await rm(scratch, { recursive: true, force: true })
    }
  },
}

async function inProcesses(folder: string, options: BenchOptions): Promise<BenchRow[]> {
  const { signal, log } = options
  const swarm = await startBenchSwarm({
    models: [folder],
    engine: ENGINE,
    peers: VIT_B_HOSTS,
    replicas: (VIT_B_HOSTS * VIT_B_LAYERS_PER_PEER) / VIT_B_SPEC.layers,
  })
  try {
    await hosting(swarm, options)
    const [release] = swarm.signaling.snapshot().releases
    const peer = await joinAsRequester({
      swarmKey: undefined,
      dataDir: undefined,
      join: [swarm.url],
      release: release?.id,
      engine: ENGINE,
      policy: PEER_DEFAULTS.policy,
      webrtc: false,
      signal,
      doing: () => undefined,
      log,
    })
    try {
      const answers = await askOneByOne(() => ask(peer), 'four Node peers', options)
      await pause(VIT_B_REST_MS, signal)
      return [...answerRows('four Node peers', answers), ...(await memoryRows(swarm, peer))]
    } finally {
      await peer.stop()
    }
  } finally {
    await swarm.stop()
  }
}

/** Waits until every peer hosts all its layers. @throws CliError `refused`. */
async function hosting({ signaling }: LocalSwarm, { signal }: BenchOptions): Promise<void> {
  const wanted = VIT_B_HOSTS * VIT_B_LAYERS_PER_PEER
  const endMs = performance.now() + VIT_B_READY_MS_MAX
  for (;;) {
    const hosts = signaling.snapshot().releases[0]?.hosts ?? []
    const hosted = hosts.reduce((sum, count) => sum + count, 0)
    if (hosted >= wanted) return
    if (performance.now() > endMs || !(await pause(VIT_B_LOOK_INTERVAL_MS, signal))) {
      throw new CliError(
        { code: 'refused', what: 'vit-b' },
        `the four peers host ${hosted} of ${wanted} layers after ${VIT_B_READY_MS_MAX / 1_000} s`,
      )
    }
  }
}

async function ask(peer: Peer): Promise<VitBAnswer> {
  const { channels, imageSize } = VIT_B_SPEC
  const images = randomTensor([1, channels, imageSize, imageSize], 1)
  const { answer } = await peer.classify(images, { deadlineMs: VIT_B_DEADLINE_MS })
  const { totalMs, route } = await answer
  return { totalMs, layers: route.map(({ layer }) => layer) }
}

async function memoryRows({ providers }: LocalSwarm, { manifest }: Peer): Promise<BenchRow[]> {
  const largest = Math.max(...manifest.parts.map(({ bytes }) => bytes))
  const weightsMb = (VIT_B_LAYERS_PER_PEER * largest) / MB
  const bound = VIT_B_WEIGHTS_FACTOR_MAX * weightsMb + VIT_B_PEER_MB_MAX
  const rows: BenchRow[] = []
  for (const { name, memory } of providers) {
    const { rssBytes } = await memory()
    const what = `${name}, ${weightsMb.toFixed(0)} MB of weights: resident memory / bound`
    rows.push(row(what, rssBytes / MB, bound, 'MB'))
  }
  return rows
}
