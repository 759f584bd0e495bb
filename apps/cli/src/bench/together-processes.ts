import { activationBytes, type ModelSpec, tokensOf } from '@layerswarm/model'
import { createPeer, PEER_DEFAULTS, type Peer } from '@layerswarm/peer'
import { CliError } from '../cli-error.ts'
import type { LocalSwarm } from '../swarm/local-swarm.ts'
import { type ProviderProcess, startProvider } from '../swarm/provider-process.ts'
import { pause } from '../until-aborted.ts'
import { type BenchOptions, type BenchRow, row } from './bench.ts'
import { startBenchSwarm } from './bench-swarm.ts'
import { PROCESS_LOOK_INTERVAL_MS, TOGETHER_DEADLINE_MS, TOGETHER_READY_MS_MAX } from './limits.ts'
import { killsInRounds } from './together-kills.ts'
import {
  measureSite,
  noise,
  pictureOf,
  type TimedPicture,
  type TogetherModel,
} from './together-measuring.ts'

const ENGINE = 'ort-wasm'
const MB = 1e6

/** This process and another one; then this one and two others, which are killed. */
export async function togetherInProcesses(
  folder: string,
  model: TogetherModel,
  options: BenchOptions,
): Promise<BenchRow[]> {
  const { signal } = options
  const swarm = await startBenchSwarm({ models: [folder], engine: ENGINE })
  const layers = Array.from({ length: model.spec.layers }, (_, layer) => layer)
  const asker = createPeer({ join: swarm.url.href, serve: layers, engine: ENGINE, webrtc: false })
  const others: ProviderProcess[] = []
  try {
    await asker.start(signal)
    others.push(startOther(swarm, layers, 'the other process', options))
    await untilHosts(asker, 2, signal)
    const rows = await measurePair(asker, model, options)
    others.push(startOther(swarm, layers, 'a third process', options))
    await untilHosts(asker, 3, signal)
    rows.push(...(await killsInRounds({ asker, others, model }, options)))
    return rows
  } finally {
    await asker.stop()
    await Promise.all(others.map((other) => other.stop()))
    await swarm.stop()
  }
}

function startOther(
  { url, signaling }: LocalSwarm,
  layers: readonly number[],
  name: string,
  { log }: BenchOptions,
): ProviderProcess {
  const release = signaling.snapshot().releases[0]?.id ?? ''
  const how = { engine: ENGINE, policy: PEER_DEFAULTS.policy, webrtc: false }
  return startProvider({ name, join: url, release, layers, ...how, log: () => undefined }, log)
}

/** @throws CliError `refused` where there are fewer in time. */
async function untilHosts(asker: Peer, hosts: number, signal: AbortSignal): Promise<void> {
  const endMs = performance.now() + TOGETHER_READY_MS_MAX
  while (asker.snapshot().coverage.some((count) => count < hosts)) {
    if (performance.now() > endMs || !(await pause(PROCESS_LOOK_INTERVAL_MS, signal)))
      throw new CliError(
        { code: 'refused', what: 'together' },
        `not all layers had ${hosts} hosts within ${TOGETHER_READY_MS_MAX / 1000} s`,
      )
  }
}

async function measurePair(
  asker: Peer,
  model: TogetherModel,
  options: BenchOptions,
): Promise<BenchRow[]> {
  const site = {
    alone: () => timed(asker, model.spec, { rounds: 'off' }),
    together: () => timed(asker, model.spec, { rounds: model.groups }),
  }
  const row = await measureSite(site, 'two processes', model, options)
  return [row, await bytesRow(site, asker, model)]
}

/** What the hub sends and receives for a picture, which is what its one executor does, beside the tensor that a step hands on. */
async function bytesRow(
  site: { together(): Promise<TimedPicture> },
  asker: Peer,
  { spec }: TogetherModel,
): Promise<BenchRow> {
  const before = asker.snapshot().bytes
  await site.together()
  const { tensorsIn, tensorsOut } = asker.snapshot().bytes
  const bytes = tensorsIn + tensorsOut - before.tensorsIn - before.tensorsOut
  const tensor = activationBytes('float16', [1, tokensOf(spec), spec.width])
  return row(
    'tensors of a picture through the hub, beside one tensor',
    bytes / MB,
    tensor / MB,
    'MB',
  )
}

async function timed(
  asker: Peer,
  spec: ModelSpec,
  policy: Parameters<Peer['classify']>[1],
): Promise<TimedPicture> {
  const deadlineMs = TOGETHER_DEADLINE_MS
  const { answer } = await asker.classify(noise(spec), { deadlineMs, ...policy })
  return pictureOf(await answer)
}
