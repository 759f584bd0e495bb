import { defineCommand, NO_POSITIONALS } from '../line/command.ts'
import { engineOption } from '../line/engine-option.ts'
import { listenOption } from '../line/hosting-options.ts'
import { layerFilesOption } from '../line/layer-files-option.ts'
import { createLog, LOG_OPTIONS } from '../line/log-options.ts'
import {
  allowListOption,
  bare,
  count,
  type Option,
  parseLayers,
  swarmKeyOption,
  swarmUrls,
  text,
  texts,
} from '../line/option.ts'
import { policyOption } from '../line/policy-option.ts'

const layers: Option<'auto' | readonly number[]> = {
  kind: 'text',
  placeholder: '2,5|auto',
  help: 'layers to host, as 2,5 or 0-3; auto takes the rarest (auto)',
  read: ([value], flag) =>
    value === undefined || value === 'auto' ? 'auto' : parseLayers(value, flag),
}

/** `layerswarm peer`. A peer in this process, until it is interrupted. */
export const peer = defineCommand({
  name: 'peer',
  summary: 'give a swarm the compute of this process',
  begins: 'joining the swarm',
  usage: [
    '--join URL… [--layers 2,5|auto] [--capacity N] [--engine …] [--layer-files auto|int8|…] [--policy …] [--data DIR] [--release ID]',
    '[--host ADDRESS] [--port N] [--announce ADDRESS]… [--no-webrtc]',
    '[--swarm-key FILE] [--allow-list FILE]',
  ],
  positionals: NO_POSITIONALS,
  options: {
    join: swarmUrls(),
    'swarm-key': swarmKeyOption(),
    'allow-list': allowListOption(),
    layers,
    capacity: count('how many layers to host with --layers auto', {
      low: 1,
      high: 64,
      otherwise: 4,
    }),
    engine: engineOption('what computes'),
    'layer-files': layerFilesOption(
      'which files of its layers it loads, where the release has smaller ones; auto takes what suits this machine',
    ),
    host: listenOption(
      'address to listen on; 0.0.0.0 for every one of this machine, none for WebRTC alone',
    ),
    port: count(
      'the one port, for WebSocket; 0 takes any free one (TCP and WebSocket on free ones)',
      {
        low: 0,
        high: 65_535,
        otherwise: undefined,
      },
    ),
    announce: texts(
      'ADDRESS',
      'address to tell others in place of those it listens on: the URL of a proxy, or a multiaddr',
    ),
    'no-webrtc': bare('speaks no WebRTC, where all peers can open sockets to each other'),
    policy: policyOption('who goes on with a step; the same for all peers of a swarm'),
    data: text('DIR', 'where the identity and the layer files are kept (until it ends)'),
    release: text(
      'ID',
      'the release to serve, by id or name (the first that the swarm offers); newer ones of its publisher and name are followed, with --layers auto, unless it is an id',
    ),
    ...LOG_OPTIONS,
  },
  examples: [
    'peer --join http://127.0.0.1:9000',
    'peer --join https://one.example/ --join https://two.example/',
    'peer --join http://127.0.0.1:9000 --layers 2,5 --engine ort-wasm',
    'peer --join https://swarm.example/ --host 0.0.0.0 --port 9100 --announce /dns4/me.example/tcp/9100/ws',
  ],
  async run({ values, signal, log, doing, print, emit }) {
    const { serve } = await import('../swarm/serve-peer.ts')
    const { readSwarmKey } = await import('../swarm/swarm-key.ts')
    const { followAllowList } = await import('../swarm/allow-list.ts')
    const record = createLog({
      flags: values,
      describe: ({ text }) => text,
      write: log,
      now: Date.now,
    })
    const { allowList, close } = await followAllowList(values['allow-list'], record)
    const { join, capacity, engine, policy, host, port, announce, data, release } = values
    const { peerId, backend, served, layerMs, uptimeMs, hostedLayers, layerFiles } = await serve({
      options: {
        join: join.map(({ href }) => href),
        swarmKey: await readSwarmKey(values['swarm-key']),
        allowList,
        serve: values.layers,
        capacity,
        engine,
        layerFiles: values['layer-files'],
        policy,
        host,
        port,
        announce,
        webrtc: !values['no-webrtc'],
        dataDir: data,
        release,
      },
      signal,
      log: record,
      joined: () => doing(''),
    }).finally(close)
    const speed = served === 0 ? '' : `, ${layerMs.toFixed(2)} ms per layer with ${backend}`
    print(`served ${served} hops in ${(uptimeMs / 1000).toFixed(0)} s${speed}`)
    emit({ peer: peerId, backend, served, layerMs, uptimeMs, hostedLayers, layerFiles })
  },
})
