import { softmax, type Tensor } from '@layerswarm/model'
import type { LabEngine } from './lab-compute.ts'
import { CHAIN_HOP_MS_MAX, LATENCY_MS } from './limits.ts'
import type { SimulatedSwarm, Station } from './simulated-swarm.ts'

/** One hop of the chain that is done. */
export interface ChainStop {
  readonly layer: number
  readonly peer: string
}

/** What became of one image in the chain. */
export type ChainOutcome =
  | { readonly probabilities: readonly number[] }
  | { readonly broken: string }

/**
 * The same image through the same peers as a pipeline does it: a host for every layer is chosen
 * beforehand, the layers run in their trained order, and a hop that is lost ends the request.
 * @param image (1, channels, size, size).
 */
export async function runChain(
  swarm: SimulatedSwarm,
  engine: LabEngine,
  image: Tensor,
  layers: number,
  passed: (stop: ChainStop) => void,
): Promise<ChainOutcome> {
  const plan = planOf(swarm, layers)
  if (typeof plan === 'string') return { broken: plan }
  let x = await engine.run('stem', image, 0) // (1, T, C)
  for (const [layer, station] of plan.entries()) {
    await wait(swarm, LATENCY_MS)
    const output = await hop(swarm, station, layer, x)
    if (output === undefined) return { broken: lossOf(swarm, station, layer) }
    passed({ layer, peer: station.id })
    x = output
  }
  const logits = await engine.run('head', x, 0) // (1, classes)
  return { probabilities: Array.from(softmax(logits).data) }
}

/** One host per layer, a different one for neighbouring layers where there is a choice. */
function planOf(swarm: SimulatedSwarm, layers: number): Station[] | string {
  const plan: Station[] = []
  for (let layer = 0; layer < layers; layer++) {
    const hosts = swarm.hosts(layer)
    const last = plan.at(-1)
    const station = hosts.find((host) => host !== last) ?? hosts[0]
    if (station === undefined) return `nobody hosts layer ${layer}, and the chain needs all of them`
    plan.push(station)
  }
  return plan
}

/**
 * One layer on its host; undefined when the host is gone or gives no answer in time. A host that
 * has turned to other layers since it was chosen still runs the one it was chosen for.
 */
function hop(
  swarm: SimulatedSwarm,
  station: Station,
  layer: number,
  input: Tensor,
): Promise<Tensor | undefined> {
  return new Promise((resolve) => {
    const { clock } = swarm
    const giveUp = () => resolve(undefined)
    if (!swarm.isThere(station)) return giveUp()
    clock.wakeAt(clock.nowMs() + CHAIN_HOP_MS_MAX, giveUp)
    station.compute.apply(layer, layer, input, (output) =>
      resolve(typeof output === 'string' ? undefined : output),
    )
  })
}

function lossOf(swarm: SimulatedSwarm, station: Station, layer: number): string {
  return swarm.isThere(station)
    ? `${station.id} took too long for layer ${layer}: the chain broke`
    : `${station.id} is gone and layer ${layer} with it: the chain broke after ${layer} of its hops`
}

function wait({ clock }: SimulatedSwarm, ms: number): Promise<void> {
  return new Promise((resolve) => {
    clock.wakeAt(clock.nowMs() + ms, resolve)
  })
}
