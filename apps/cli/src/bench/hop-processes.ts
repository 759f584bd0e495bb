import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { randomTensor } from '@layerswarm/model'
import { createPeer, PEER_DEFAULTS, type Peer } from '@layerswarm/peer'
import { connectEcho, type EchoClient } from '@layerswarm/peer/echo'
import { CliError } from '../cli-error.ts'
import { startLocalSwarm } from '../swarm/local-swarm.ts'
import { startProvider } from '../swarm/provider-process.ts'
import { pause } from '../until-aborted.ts'
import type { BenchOptions, BenchRow } from './bench.ts'
import { EVEN_LAYERS, HOP_SPEC, type HopSite, measureHops, ODD_LAYERS } from './hop-cases.ts'
import { PROCESS_COVERED_MS_MAX, PROCESS_LOOK_INTERVAL_MS } from './limits.ts'

/** Hops between this process and a child, by TCP. @param folder of a release of HOP_SPEC. */
export async function hopsBetweenProcesses(
  folder: string,
  options: BenchOptions,
): Promise<BenchRow[]> {
  const child = fork(fileURLToPath(new URL('./echo-process.js', import.meta.url)))
  try {
    const echo = await connectEcho(await firstMessage(child))
    try {
      return await withSwarm(folder, echo, options)
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
  folder: string,
  echo: EchoClient,
  options: BenchOptions,
): Promise<BenchRow[]> {
  const { signal, log } = options
  const engine = 'ort-node'
  const swarm = await startLocalSwarm({
    port: 0,
    peers: 0,
    models: [folder],
    replicas: 1,
    engine,
    policy: PEER_DEFAULTS.policy,
    log: () => undefined,
  })
  const [release] = swarm.signaling.snapshot().releases
  const provider = startProvider(
    {
      name: 'the other process',
      join: swarm.url,
      release: release?.id ?? '',
      layers: EVEN_LAYERS,
      engine,
      policy: PEER_DEFAULTS.policy,
      log: () => undefined,
    },
    log,
  )
  const peer = createPeer({ join: swarm.url.href, serve: ODD_LAYERS, engine })
  try {
    await peer.start(signal)
    await untilCovered(peer, signal)
    return await measureHops(siteOf(peer, echo), 'two processes', options)
  } finally {
    await peer.stop()
    await provider.stop()
    await swarm.stop()
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

function siteOf(peer: Peer, echo: EchoClient): HopSite {
  const { channels, imageSize } = HOP_SPEC
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
  }
}
