import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { type ModelSpec, randomTensor } from '@layerswarm/model'
import { createPeer, PEER_DEFAULTS, type Peer } from '@layerswarm/peer'
import { connectEcho, type EchoClient } from '@layerswarm/peer/echo'
import { timeVisitParts } from '@layerswarm/peer/visit-parts'
import { CliError } from '../cli-error.ts'
import type { LocalSwarm } from '../swarm/local-swarm.ts'
import { startProvider } from '../swarm/provider-process.ts'
import { pause } from '../until-aborted.ts'
import type { BenchOptions, BenchRow } from './bench.ts'
import { startBenchSwarm } from './bench-swarm.ts'
import { EVEN_LAYERS, type HopModel, type HopSite, ODD_LAYERS } from './hop-cases.ts'
import { measureHops } from './hop-measuring.ts'
import { PROCESS_COVERED_MS_MAX, PROCESS_LOOK_INTERVAL_MS } from './limits.ts'

const ENGINE = 'ort-node'

/** A model, and where its release is. */
export interface HopRelease {
  readonly model: HopModel
  readonly folder: string
}

/** Hops between this process and others, by TCP. */
export async function hopsBetweenProcesses(
  releases: readonly HopRelease[],
  options: BenchOptions,
): Promise<BenchRow[]> {
  const child = fork(fileURLToPath(new URL('./echo-process.js', import.meta.url)))
  try {
    const echo = await connectEcho(await firstMessage(child))
    try {
      return await withSwarm(releases, echo, options)
    } finally {
      await echo.stop()
    }
  } finally {
    child.disconnect()
  }
}

function firstMessage(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    child.once('message', (message) => resolve(String(message)))
    child.once('exit', () => reject(new Error('the echo process ended before it was ready')))
  })
}

async function withSwarm(
  releases: readonly HopRelease[],
  echo: EchoClient,
  options: BenchOptions,
): Promise<BenchRow[]> {
  const swarm = await startBenchSwarm({
    models: releases.map(({ folder }) => folder),
    engine: ENGINE,
  })
  try {
    const rows: BenchRow[] = []
    for (const { model } of releases) rows.push(...(await withPeers(swarm, model, echo, options)))
    return rows
  } finally {
    await swarm.stop()
  }
}

async function withPeers(
  { url }: LocalSwarm,
  model: HopModel,
  echo: EchoClient,
  options: BenchOptions,
): Promise<BenchRow[]> {
  const { signal, log } = options
  const provider = startProvider(
    {
      name: 'the other process',
      join: url,
      release: model.name,
      layers: EVEN_LAYERS,
      engine: ENGINE,
      policy: PEER_DEFAULTS.policy,
      webrtc: false,
      log: () => undefined,
    },
    log,
  )
  const { href: join } = url
  const peer = createPeer({
    ...{ join, release: model.name, serve: ODD_LAYERS, engine: ENGINE },
    webrtc: false,
  })
  try {
    await peer.start(signal)
    await untilCovered(peer, signal)
    return await measureHops(siteOf(peer, echo, model.spec), 'two processes', model, options)
  } finally {
    await peer.stop()
    await provider.stop()
  }
}

async function untilCovered(peer: Peer, signal: AbortSignal): Promise<void> {
  const endMs = performance.now() + PROCESS_COVERED_MS_MAX
  while (peer.snapshot().coverage.some((hosts) => hosts === 0)) {
    if (performance.now() > endMs || !(await pause(PROCESS_LOOK_INTERVAL_MS, signal))) {
      throw new CliError(
        { code: 'refused', what: 'hop' },
        `the other process did not host its layers within ${PROCESS_COVERED_MS_MAX / 1000} s`,
      )
    }
  }
}

function siteOf(peer: Peer, echo: EchoClient, { channels, imageSize }: ModelSpec): HopSite {
  return {
    async request(images, plan) {
      const input = randomTensor([images, channels, imageSize, imageSize], 1)
      const { answer } = await peer.classify(input, { plan })
      const { totalMs, route } = await answer
      return { totalMs, layersMs: route.reduce((sum, { ms }) => sum + ms, 0) }
    },
    async echoMs(bytes, times) {
      const payload = new Uint8Array(bytes).fill(1)
      let sumMs = 0
      for (let i = 0; i < times; i++) sumMs += await echo.roundTripMs(payload)
      return sumMs / times
    },
    visitParts: timeVisitParts,
  }
}
