import { UP_COVERED_MS_MAX, UP_HOSTS_PER_LAYER } from '../limits.ts'
import { defineCommand, NO_POSITIONALS } from '../line/command.ts'
import { engineOption } from '../line/engine-option.ts'
import { count, texts } from '../line/option.ts'
import { POLICY_USUAL, policyOption } from '../line/policy-option.ts'

/** `layerswarm up`. A swarm on this machine, with its page. */
export const up = defineCommand({
  name: 'up',
  summary: 'start a swarm on this machine: signaling, the page and volunteers',
  usage: ['[--peers 4] [--port 9000] [--model DIR]…'],
  positionals: NO_POSITIONALS,
  options: {
    peers: count('volunteers, each a process of its own', { low: 0, high: 64, otherwise: 4 }),
    port: count('the one port, for the page and the swarm; 0 takes any free one', {
      low: 0,
      high: 65_535,
      otherwise: 9000,
    }),
    model: texts('DIR', 'folder of a release (the first in models/)'),
    engine: engineOption('what the volunteers compute with'),
    policy: policyOption('who goes on with a step'),
  },
  examples: ['up', 'up --peers 8 --port 8080 --model models/fashion-vit'],
  async run({ values, signal, print, log, emit }) {
    const { startLocalSwarm } = await import('../swarm/local-swarm.ts')
    const { untilAborted } = await import('../until-aborted.ts')
    const { peers, port, model: models, engine, policy } = values
    const swarm = await startLocalSwarm({
      peers,
      port,
      models,
      engine,
      policy,
      replicas: UP_HOSTS_PER_LAYER,
      log,
    })
    try {
      const url = swarm.url.origin
      const missing = await swarm.covered(peers === 0 ? 0 : UP_COVERED_MS_MAX, signal)
      if (signal.aborted) return
      if (missing !== undefined) log(`not everything is hosted yet: ${missing}`)
      print(`ready ${url}`)
      print(`open ${url} in a browser to join with a tab`)
      const same = policy === POLICY_USUAL ? '' : ` --policy ${policy}`
      print(`join with a process: layerswarm peer --join ${url}${same}`)
      print(`ask: layerswarm classify --samples 20 --join ${url}${same}`)
      const pids = swarm.providers.map(({ pid }) => pid)
      emit({ ready: url, peers, pids, missing: missing ?? null })
      await untilAborted(signal)
    } finally {
      await swarm.stop()
    }
  },
})
