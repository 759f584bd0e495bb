import { defineCommand, NO_POSITIONALS } from '../line/command.ts'
import { engineOption } from '../line/engine-option.ts'
import { hostOption } from '../line/hosting-options.ts'
import { createLog, LOG_OPTIONS } from '../line/log-options.ts'
import { count, type Option, parseLayers, swarmUrl, text } from '../line/option.ts'
import { policyOption } from '../line/policy-option.ts'

const layers: Option<'auto' | readonly number[]> = {
  kind: 'text',
  placeholder: '2,5|auto',
  help: 'layers to host; auto takes the rarest (auto)',
  read: ([value], flag) =>
    value === undefined || value === 'auto' ? 'auto' : parseLayers(value, flag),
}

/** `layerswarm peer`. A peer in this process, until it is interrupted. */
export const peer = defineCommand({
  name: 'peer',
  summary: 'give a swarm the compute of this process',
  usage: [
    '--join URL [--layers 2,5|auto] [--capacity N] [--engine …] [--policy …] [--host ADDRESS] [--data DIR] [--release ID]',
  ],
  positionals: NO_POSITIONALS,
  options: {
    join: swarmUrl(),
    layers,
    capacity: count('how many layers to host with --layers auto', {
      low: 1,
      high: 64,
      otherwise: 4,
    }),
    engine: engineOption('what computes'),
    host: hostOption('address that other peers connect to'),
    policy: policyOption('who goes on with a step; the same for all peers of a swarm'),
    data: text('DIR', 'where the identity and the layer files are kept (in memory)'),
    release: text(
      'ID',
      'the release to serve, by id or name (the first that the swarm offers); newer ones of its publisher and name are followed, with --layers auto, unless it is an id',
    ),
    ...LOG_OPTIONS,
  },
  examples: [
    'peer --join http://127.0.0.1:9000',
    'peer --join http://127.0.0.1:9000 --layers 2,5 --engine ort-wasm',
  ],
  async run({ values, signal, log, print, emit }) {
    const { serve } = await import('../swarm/serve-peer.ts')
    const { join, capacity, engine, policy, host, data, release } = values
    const { peerId, served, uptimeMs, hostedLayers } = await serve({
      options: {
        join: join.href,
        serve: values.layers,
        capacity,
        engine,
        policy,
        host,
        dataDir: data,
        release,
      },
      signal,
      log: createLog({ flags: values, describe: ({ text }) => text, write: log, now: Date.now }),
    })
    print(`served ${served} hops in ${(uptimeMs / 1000).toFixed(0)} s`)
    emit({ peer: peerId, served, uptimeMs, hostedLayers })
  },
})
