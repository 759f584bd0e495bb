import { type ChildProcess, fork } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type ModelSpec, randomTensor, tokensOf } from '@layerswarm/model'
import type { Peer } from '@layerswarm/peer'
import { CliError } from '../cli-error.ts'
import { joinAsRequester } from '../join-swarm.ts'
import { startLocalSwarm } from '../local-swarm.ts'
import { type Bench, type BenchOptions, type BenchRow, medianRow } from './bench.ts'
import { connectEcho, type EchoClient } from './echo.ts'
import { writeSyntheticRelease } from './synthetic-release.ts'

/** Compilers and caches have settled after these. */
const WARM_UP_ROUNDS = 20
const COVERED_MS = 20_000
const FLOAT16_BYTES = 2

/** One layer, so that a request is exactly one hop; the MLP is narrow because compute is not measured. */
const SPECS: Readonly<Record<string, ModelSpec>> = {
  inline: {
    variant: 'shuffle',
    imageSize: 28,
    patchSize: 4,
    channels: 1,
    width: 64,
    layers: 1,
    heads: 4,
    mlpWidth: 64,
    classes: 10,
    layerNormEps: 1e-6,
  },
  // The tokens of ViT-B at 224 pixels: 197 × 768 float16, about 300 KiB.
  streamed: {
    variant: 'shuffle',
    imageSize: 224,
    patchSize: 16,
    channels: 1,
    width: 768,
    layers: 1,
    heads: 12,
    mlpWidth: 64,
    classes: 10,
    layerNormEps: 1e-6,
  },
}

/**
 * What the protocol costs: a request of one hop between two processes, less the time in the layer,
 * beside an echo of the same activation over a bare libp2p stream.
 */
export const hop: Bench = {
  name: 'hop',
  compares: 'one hop without its compute, and an echo of the same bytes over a bare libp2p stream',
  async run(options) {
    const scratch = await mkdtemp(join(tmpdir(), 'layerswarm-bench-'))
    const child = fork(fileURLToPath(new URL('./echo-process.js', import.meta.url)))
    try {
      const echo = await connectEcho(await firstMessage(child))
      try {
        const rows: BenchRow[] = []
        for (const [name, spec] of Object.entries(SPECS)) {
          const folder = await writeSyntheticRelease(scratch, name, spec)
          rows.push(await measure(name, spec, folder, echo, options))
        }
        return rows
      } finally {
        await echo.stop()
      }
    } finally {
      child.disconnect()
      await rm(scratch, { recursive: true, force: true })
    }
  },
}

function firstMessage(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    child.once('message', (message) => resolve(String(message)))
    child.once('exit', () => reject(new Error('the echo process ended before it was ready')))
  })
}

async function measure(
  name: string,
  spec: ModelSpec,
  folder: string,
  echo: EchoClient,
  options: BenchOptions,
): Promise<BenchRow> {
  const { signal, log } = options
  const quiet = (): void => {}
  const swarm = await startLocalSwarm({
    port: 0,
    peers: 1,
    models: [folder],
    replicas: 1,
    engine: 'ort-node',
    log: quiet,
  })
  try {
    const missing = await swarm.covered(COVERED_MS, signal)
    if (missing !== undefined) throw new CliError({ code: 'refused', what: name }, missing)
    const needs = { join: swarm.url, release: undefined, engine: 'ort-node', signal } as const
    const peer = await joinAsRequester(needs)
    try {
      const bytes = tokensOf(spec) * spec.width * FLOAT16_BYTES
      log(`${name}: activations of ${(bytes / 1024).toFixed(1)} KiB`)
      return await compare(`${name}, ${Math.round(bytes / 1024)} KiB`, spec, peer, echo, options)
    } finally {
      await peer.stop()
    }
  } finally {
    await swarm.stop()
  }
}

/** Takes turns, so that whatever else the machine does meets both sides alike. */
async function compare(
  name: string,
  spec: ModelSpec,
  peer: Peer,
  echo: EchoClient,
  { rounds, signal }: BenchOptions,
): Promise<BenchRow> {
  const image = randomTensor([1, spec.channels, spec.imageSize, spec.imageSize], 1)
  const payload = new Uint8Array(tokensOf(spec) * spec.width * FLOAT16_BYTES).fill(1)
  const ours: number[] = []
  const reference: number[] = []
  for (let round = -WARM_UP_ROUNDS; round < rounds && !signal.aborted; round++) {
    const { answer } = await peer.classify(image)
    const { totalMs, route } = await answer
    const echoMs = await echo.roundTripMs(payload)
    if (round < 0) continue
    ours.push(totalMs - route.reduce((sum, { ms }) => sum + ms, 0))
    reference.push(echoMs)
  }
  return medianRow(name, ours, reference, 'ms')
}
