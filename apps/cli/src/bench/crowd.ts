import { simulate } from '@layerswarm/lab'
import { randomTensor } from '@layerswarm/model'
import { LANE_PROVIDERS, SwarmError } from '@layerswarm/swarm'
import { POLICY_USUAL } from '../line/policy-option.ts'
import { pause } from '../until-aborted.ts'
import { type Bench, type BenchOptions, type BenchRow, row } from './bench.ts'
import { type LaggedSwarm, startLaggedSwarm } from './lagged-swarm.ts'
import {
  CROWD_KILLS,
  CROWD_LANES_MS_MAX,
  CROWD_LAYERS_EACH,
  CROWD_MET,
  CROWD_PEERS,
  CROWD_PEERS_EACH,
  CROWD_PROCESSES,
  CROWD_SILENCE_MS,
  REALITY_DEADLINE_MS,
  REALITY_ONE_WAY_MS,
} from './limits.ts'

/**
 * More volunteers than one lane holds, as far apart as homes are: whether they form lanes by themselves,
 * what they say when nobody asks, and whether every request is answered while processes are killed.
 * Beside it the same crowd in virtual time, or what is asked of it.
 */
export const crowd: Bench = {
  name: 'crowd',
  compares: `${CROWD_PEERS} real peers in ${CROWD_PROCESSES} processes, ${REALITY_ONE_WAY_MS} ms apart, and as many simulated ones`,
  rounds: 200,
  async run(options) {
    const { signal, log } = options
    log(`starting ${CROWD_PEERS} peers in ${CROWD_PROCESSES} processes`)
    const swarm = await startLaggedSwarm({
      processes: CROWD_PROCESSES,
      peersEach: CROWD_PEERS_EACH,
      capacity: CROWD_LAYERS_EACH,
      policy: POLICY_USUAL,
      engine: 'ort-node',
      met: CROWD_MET,
      signal,
    })
    try {
      await swarm.setLag(REALITY_ONE_WAY_MS)
      return await measure(swarm, options)
    } finally {
      await swarm.stop()
    }
  },
}

async function measure(swarm: LaggedSwarm, options: BenchOptions): Promise<BenchRow[]> {
  const { rounds, signal, log } = options
  await untilSettled(swarm, options)
  const lanes = lanesOf(swarm)
  log(`lanes of ${lanes.join(', ')} providers`)
  const before = await swarm.sentBytes()
  const startedMs = performance.now()
  await pause(CROWD_SILENCE_MS, signal)
  const seconds = (performance.now() - startedMs) / 1_000
  const idle = ((await swarm.sentBytes()) - before) / seconds / CROWD_PEERS

  const asked = await askWhileKilling(swarm, options)
  log(`${asked.answered} of ${rounds} answered, ${asked.partial} of them without a layer`)
  const simulated = simulate('idle', {
    peers: CROWD_PEERS,
    requests: 10,
    seed: 1,
    policy: 'any-order',
    set: { 'peers.capacity': CROWD_LAYERS_EACH, 'churn.scaleMs': 0, 'gossip.overheadBytes': 0 },
  }).policies['any-order']
  const inLab = simulated?.timeline.reduce((most, moment) => Math.max(most, moment.lanes), 0)
  return [
    row('lanes, real / simulated', lanes.length, inLab ?? Number.NaN, 'lanes'),
    row('providers of the largest lane, real / full', Math.max(...lanes), LANE_PROVIDERS, 'peers'),
    row(
      'sent by an idle peer, real / simulated',
      idle,
      simulated?.controlBytesPerPeerSecond ?? Number.NaN,
      'bytes/s',
    ),
    row(
      `answered while ${CROWD_KILLS * CROWD_PEERS_EACH} were killed`,
      asked.answered,
      rounds,
      'requests',
    ),
    row('answered with every layer', asked.answered - asked.partial, rounds, 'requests'),
  ]
}

/** Providers of each lane, as the bootstrap node counts them. */
function lanesOf({ signaling }: LaggedSwarm): number[] {
  const [release] = signaling.snapshot().releases
  return (release?.lanes ?? []).map(({ providers }) => providers).filter((count) => count > 0)
}

/** Nobody moves any more: every lane has room, and its layers. */
async function untilSettled(swarm: LaggedSwarm, { signal }: BenchOptions): Promise<void> {
  const endMs = performance.now() + CROWD_LANES_MS_MAX
  const settled = () => {
    const [release] = swarm.signaling.snapshot().releases
    return release?.lanes.every(
      ({ providers, lacking }) => providers <= LANE_PROVIDERS && (providers === 0 || lacking === 0),
    )
  }
  while (!settled() && performance.now() < endMs) await pause(1_000, signal)
  signal.throwIfAborted()
}

/** One request after the other; a process is killed at equal distances. */
async function askWhileKilling(
  swarm: LaggedSwarm,
  { rounds, signal }: BenchOptions,
): Promise<{ answered: number; partial: number }> {
  const { asker } = swarm
  const { channels, imageSize } = asker.manifest.spec
  const counts = { answered: 0, partial: 0 }
  const stride = Math.ceil(rounds / (CROWD_KILLS + 1))
  for (let i = 0; i < rounds; i++) {
    signal.throwIfAborted()
    const input = randomTensor([1, channels, imageSize, imageSize], i)
    const { answer } = await asker.classify(input, { deadlineMs: REALITY_DEADLINE_MS })
    // In the middle of a request, not between two.
    if (i > 0 && i % stride === 0) await swarm.kill()
    try {
      const { missingLayers } = await answer
      counts.answered++
      if (missingLayers.length > 0) counts.partial++
    } catch (error) {
      if (!(error instanceof SwarmError)) throw error
    }
  }
  return counts
}
