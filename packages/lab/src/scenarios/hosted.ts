import { SwarmError } from '@layerswarm/swarm'
import type { Settings } from './settings.ts'

/** Layers of each provider that is there when a run begins, in the order of their names. */
export type Hosted = readonly (readonly number[])[]

/** As `--hosted` takes it: `0,1/2,3`. */
export function hostedText(hosted: Hosted): string {
  return hosted.map((layers) => layers.join()).join('/')
}

/**
 * Whether a world can have its layers so. @param isOneSize as opposed to a swarm that grows.
 * @throws SwarmError `bad-request` where they are not those of as many providers as there are, or of the model.
 */
export function checkHosted(hosted: Hosted, settings: Settings, isOneSize: boolean): void {
  if (!isOneSize)
    refuse(
      'hosted names the layers of as many providers as there are, and lanes has swarms of several sizes',
    )
  const providers = settings['peers.count']
  const layers = settings['model.layers']
  if (settings['chain.blocks'] === 1)
    refuse('hosted says where all layers are, and chain.blocks says it of those of the chains')
  if (hosted.length !== providers)
    refuse(`hosted must name the layers of ${providers} providers, not of ${hosted.length}`)
  for (const own of hosted) {
    if (own.length === 0 || new Set(own).size < own.length)
      refuse(`hosted must name some layers of each provider, each once, not "${own.join()}"`)
    const other = own.find((layer) => !(Number.isInteger(layer) && layer >= 0 && layer < layers))
    if (other !== undefined) refuse(`hosted must name layers from 0 to ${layers - 1}, not ${other}`)
  }
}

function refuse(message: string): never {
  throw new SwarmError({ code: 'bad-request', field: 'hosted' }, message)
}
