import { setTimeout } from 'node:timers/promises'
import { randomTensor } from '@layerswarm/model'
import { PEER_DEFAULTS, type Peer } from '@layerswarm/peer'
import { CliError } from '../cli-error.ts'
import { joinAsRequester } from '../swarm/join-swarm.ts'
import type { MemoryUse } from '../swarm/memory-question.ts'
import { type ProviderProcess, startProvider } from '../swarm/provider-process.ts'
import { type Bench, type BenchOptions, type BenchRow, row } from './bench.ts'
import { startBenchSwarm } from './bench-swarm.ts'
import {
  MEMORY_COVERED_MS_MAX,
  MEMORY_OPEN_REQUESTS,
  MEMORY_SETTLE_MS_MAX,
  MEMORY_SETTLE_MS_PER_REQUEST,
  PROVIDER_RSS_MB_MAX,
} from './limits.ts'

const MB = 1e6

/** Whether a provider's memory stays where it is: all layers of the shipped model in one process. */
export const memory: Bench = {
  name: 'memory',
  compares: 'what a provider of all layers takes after N requests, and after N/2 or its bound',
  rounds: 2_000,
  async run(options) {
    const { signal, log } = options
    const engine = 'ort-node'
    const swarm = await startBenchSwarm({ models: [], engine })
    const { id = '', hosts = [] } = swarm.signaling.snapshot().releases[0] ?? {}
    const provider = startProvider(
      {
        name: 'the provider',
        join: swarm.url,
        release: id,
        layers: [...hosts.keys()],
        engine,
        policy: PEER_DEFAULTS.policy,
        webrtc: false,
        nodeFlags: ['--expose-gc'],
        log: () => undefined,
      },
      log,
    )
    try {
      const missing = await swarm.covered({
        hosts: 1,
        withinMs: MEMORY_COVERED_MS_MAX,
        signal,
      })
      if (missing !== undefined) throw new CliError({ code: 'refused', what: 'memory' }, missing)
      const peer = await joinAsRequester({
        swarmKey: undefined,
        dataDir: undefined,
        join: [swarm.url],
        release: id,
        engine,
        policy: PEER_DEFAULTS.policy,
        webrtc: false,
        signal,
        doing: () => undefined,
        log,
      })
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
  options: BenchOptions,
): Promise<BenchRow[]> {
  const { rounds, signal, log } = options
  const half = Math.ceil(rounds / 2)
  await ask(peer, half, signal)
  const before = await settled(provider, options)
  log(`after ${half} requests: ${inWords(before)}`)
  await ask(peer, rounds - half, signal)
  const loaded = await provider.memory()
  const after = await settled(provider, options)
  log(`after ${rounds} requests: ${inWords(after)}`)
  const grown = (what: string, field: keyof MemoryUse): BenchRow =>
    row(`${what}, request ${rounds} / ${half}`, after[field] / MB, before[field] / MB, 'MB')
  return [
    row(
      `resident memory after ${rounds} requests / bound`,
      loaded.rssBytes / MB,
      PROVIDER_RSS_MB_MAX,
      'MB',
    ),
    grown('resident memory', 'rssBytes'),
    grown('heap after garbage collection', 'heapUsedBytes'),
    grown('buffers outside the heap', 'buffersBytes'),
  ]
}

/** What the provider takes once it may have forgotten what it did. */
async function settled(
  provider: ProviderProcess,
  { rounds, signal, log }: BenchOptions,
): Promise<MemoryUse> {
  const ms = Math.min(rounds * MEMORY_SETTLE_MS_PER_REQUEST, MEMORY_SETTLE_MS_MAX)
  log(`waiting ${ms / 1_000} s until what is remembered on purpose may be forgotten`)
  await setTimeout(ms, undefined, { signal })
  return provider.memory()
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
  await Promise.all(Array.from({ length: MEMORY_OPEN_REQUESTS }, oneAfterTheOther))
}

function inWords({ rssBytes, heapUsedBytes, buffersBytes }: MemoryUse): string {
  const mb = (bytes: number): string => `${(bytes / MB).toFixed(1)} MB`
  return `${mb(rssBytes)} resident, ${mb(heapUsedBytes)} heap, ${mb(buffersBytes)} buffers`
}
