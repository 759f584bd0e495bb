import { randomTensor } from '@layerswarm/model'
import type { Peer } from '@layerswarm/peer'
import { CliError } from '../cli-error.ts'
import { joinAsRequester } from '../join-swarm.ts'
import { startLocalSwarm } from '../local-swarm.ts'
import type { MemoryUse } from '../memory-question.ts'
import { type ProviderProcess, startProvider } from '../provider-process.ts'
import { type Bench, type BenchOptions, type BenchRow, row } from './bench.ts'

const COVERED_MS = 30_000
/** Requests that are open at the same time. */
const CONCURRENCY = 4
const MB = 1e6
/** What one provider may take of a volunteer's machine with the whole shipped model. */
const RSS_MB_MAX = 300

/** Whether a provider's memory stays where it is: all layers of the shipped model in one process. */
export const memory: Bench = {
  name: 'memory',
  compares: 'what a provider of all layers takes after N requests, and after N/2 or its bound',
  rounds: 2_000,
  async run(options) {
    const { signal, log } = options
    const engine = 'ort-node'
    const swarm = await startLocalSwarm({
      port: 0,
      peers: 0,
      models: [],
      replicas: 1,
      engine,
      log: () => undefined,
    })
    const { id = '', hosts = [] } = swarm.signaling.snapshot().releases[0] ?? {}
    const provider = startProvider(
      {
        name: 'the provider',
        join: swarm.url,
        release: id,
        layers: [...hosts.keys()],
        engine,
        nodeFlags: ['--expose-gc'],
        log: () => undefined,
      },
      log,
    )
    try {
      const missing = await swarm.covered(COVERED_MS, signal)
      if (missing !== undefined) throw new CliError({ code: 'refused', what: 'memory' }, missing)
      const peer = await joinAsRequester({ join: swarm.url, release: id, engine, signal })
      try {
        return await load(peer, provider, options)
      } finally {
        await peer.stop()
      }
    } finally {
      await provider.stop()
      await swarm.stop()
    }
  },
}

async function load(
  peer: Peer,
  provider: ProviderProcess,
  { rounds, signal, log }: BenchOptions,
): Promise<BenchRow[]> {
  const half = Math.ceil(rounds / 2)
  await ask(peer, half, signal)
  const before = await provider.memory()
  log(`after ${half} requests: ${inWords(before)}`)
  await ask(peer, rounds - half, signal)
  const after = await provider.memory()
  log(`after ${rounds} requests: ${inWords(after)}`)
  const grown = (what: string, field: keyof MemoryUse): BenchRow =>
    row(`${what}, request ${rounds} / ${half}`, after[field] / MB, before[field] / MB, 'MB')
  return [
    row(`resident memory after ${rounds} requests / bound`, after.rssBytes / MB, RSS_MB_MAX, 'MB'),
    grown('resident memory', 'rssBytes'),
    grown('heap after garbage collection', 'heapUsedBytes'),
    grown('buffers outside the heap', 'buffersBytes'),
  ]
}

/** Has `count` random images classified. @throws whatever a request fails with. */
async function ask(peer: Peer, count: number, signal: AbortSignal): Promise<void> {
  const { channels, imageSize } = peer.manifest.spec
  let next = 0
  async function oneAfterTheOther(): Promise<void> {
    while (next < count) {
      signal.throwIfAborted()
      const images = randomTensor([1, channels, imageSize, imageSize], next++)
      await (await peer.classify(images)).answer
    }
  }
  await Promise.all(Array.from({ length: CONCURRENCY }, oneAfterTheOther))
}

function inWords({ rssBytes, heapUsedBytes, buffersBytes }: MemoryUse): string {
  const mb = (bytes: number): string => `${(bytes / MB).toFixed(1)} MB`
  return `${mb(rssBytes)} resident, ${mb(heapUsedBytes)} heap, ${mb(buffersBytes)} buffers`
}
