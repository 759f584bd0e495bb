import {
  createReferenceEngine,
  type Engine,
  parseModelSpec,
  randomModel,
  randomTensor,
} from '@layerswarm/model'
import type { Answer } from '@layerswarm/swarm'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import { type ChainOutcome, type ChainStop, runChain } from './fixed-chain.ts'
import type { LabEngine } from './lab-compute.ts'
import { SimulatedSwarm } from './simulated-swarm.ts'

const spec = parseModelSpec({
  variant: 'shuffle',
  imageSize: 8,
  patchSize: 4,
  channels: 1,
  width: 8,
  layers: 6,
  heads: 2,
  mlpWidth: 16,
  classes: 3,
  layerNormEps: 1e-6,
})
const image = randomTensor([1, 1, 8, 8], 5)

let engine: Engine
beforeAll(async () => {
  engine = createReferenceEngine(spec)
  for (const [part, file] of randomModel(spec, 2)) await engine.load(part, file)
})

function settled(computing: LabEngine = engine): SimulatedSwarm {
  const options = { spec, release: 'ab'.repeat(32), peers: 6, seed: 3 }
  return new SimulatedSwarm({ ...options, engine: computing })
}

/** Answers one after the other, each in so many turns of whoever lets the swarm's time pass. */
function slowly(turns: number): LabEngine {
  let last: Promise<unknown> = Promise.resolve()
  return {
    run(...call) {
      const output = last.then(async () => {
        for (let turn = 0; turn < turns; turn++)
          await new Promise((resolve) => setTimeout(resolve, 0))
        return engine.run(...call)
      })
      last = output
      return output
    },
  }
}

/** Lets virtual time pass, in small steps, until a promise is decided. */
async function passTime<T>(swarm: SimulatedSwarm, until: Promise<T>): Promise<T> {
  let decided = false
  const watch = () => {
    decided = true
  }
  until.then(watch, watch)
  while (!decided) {
    swarm.advance(20)
    await new Promise((resolve) => setTimeout(resolve, 0))
  }
  return until
}

function askSwarm(swarm: SimulatedSwarm): Promise<Answer> {
  return swarm.ask(image).then(({ answer }) => answer)
}

function askChain(
  swarm: SimulatedSwarm,
  passed: (stop: ChainStop) => void = () => {},
): Promise<ChainOutcome> {
  return runChain(swarm, engine, image, spec.layers, passed)
}

describe('the swarm inside the tab', () => {
  test('settles with several hosts of every layer, and runs each layer once', async () => {
    const swarm = settled()
    expect(Math.min(...swarm.snapshot().coverage)).toBeGreaterThanOrEqual(2)
    const { route, missingLayers } = await passTime(swarm, askSwarm(swarm))
    expect(route.map(({ layer }) => layer).sort()).toEqual([0, 1, 2, 3, 4, 5])
    expect(missingLayers).toEqual([])
    swarm.stop()
  })

  test('answers with every layer although the peer of each of the first hops is killed', async () => {
    const swarm = settled()
    let kills = 0
    swarm.on((event) => {
      const last = event.type === 'progressed' ? event.route.at(-1) : undefined
      if (last === undefined || kills >= 2) return
      kills++
      swarm.setMood(last.peer, 'gone')
    })
    const { route, missingLayers } = await passTime(swarm, askSwarm(swarm))
    expect(kills).toBe(2)
    expect(route.length + missingLayers.length).toBe(6)
    expect(route.length).toBeGreaterThanOrEqual(5)
    swarm.stop()
  })

  test('takes no more of its own time where the tab computes slowly', async () => {
    async function asked(computing: LabEngine) {
      const swarm = settled(computing)
      const before = swarm.clock.nowMs()
      const [answer, chain] = await passTime(
        swarm,
        Promise.all([
          askSwarm(swarm),
          runChain(swarm, computing, image, spec.layers, () => {}),
        ] as const),
      )
      swarm.stop()
      return { ms: swarm.clock.nowMs() - before, layers: answer.route.length, chain }
    }
    const soon = await asked(engine)
    const late = await asked(slowly(30))
    expect(late).toMatchObject({ layers: 6, chain: soon.chain })
    expect(late.ms).toBeLessThan(1.5 * soon.ms)
  })

  test('answers without a layer that was taken from everybody, and with it once it is back', async () => {
    const swarm = settled()
    swarm.dropLayer(2)
    const without = await passTime(swarm, askSwarm(swarm))
    expect(without.missingLayers).toEqual([2])
    expect(swarm.snapshot().coverage[2]).toBe(0)
    swarm.giveBack(2)
    await passTime(swarm, new Promise((resolve) => setTimeout(resolve, 50)))
    const again = await passTime(swarm, askSwarm(swarm))
    expect(again.missingLayers).toEqual([])
    swarm.stop()
  })

  test('brings a killed peer back with layers to host', async () => {
    const swarm = settled()
    swarm.setMood('peer-1', 'gone')
    expect(swarm.snapshot().peers[0]).toEqual({ id: 'peer-1', layers: [], mood: 'gone' })
    swarm.setMood('peer-1', 'well')
    const hosts = () => swarm.snapshot().peers[0]?.layers.length ?? 0
    for (let step = 0; step < 100 && hosts() === 0; step++) swarm.advance(100)
    expect(hosts()).toBeGreaterThan(0)
    swarm.stop()
  })
})

describe('the chain beside it', () => {
  test('runs the layers in their order and gives the model’s own answer', async () => {
    const swarm = settled()
    const stops: number[] = []
    const outcome = await passTime(
      swarm,
      askChain(swarm, ({ layer }) => stops.push(layer)),
    )
    expect(stops).toEqual([0, 1, 2, 3, 4, 5])
    if ('broken' in outcome) throw new Error(outcome.broken)
    expect(outcome.probabilities.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1)
    swarm.stop()
  })

  test('breaks when the host of a later layer is killed on the way', async () => {
    const swarm = settled()
    const outcome = await passTime(
      swarm,
      askChain(swarm, ({ layer }) => {
        if (layer > 0) return
        for (const { id } of swarm.snapshot().peers.slice(0, 5)) swarm.setMood(id, 'gone')
      }),
    )
    expect(outcome).toMatchObject({ broken: expect.stringContaining('the chain broke') })
    swarm.stop()
  })

  test('goes on with a host that has turned to other layers since', async () => {
    const swarm = settled()
    const outcome = await passTime(
      swarm,
      askChain(swarm, () => vi.spyOn(swarm, 'hosts').mockReturnValue([])),
    )
    expect(outcome).toHaveProperty('probabilities')
    swarm.stop()
  })

  test('does not start without a host for every layer', async () => {
    const swarm = settled()
    swarm.dropLayer(4)
    const outcome = await passTime(swarm, askChain(swarm))
    expect(outcome).toMatchObject({ broken: expect.stringContaining('nobody hosts layer 4') })
    swarm.stop()
  })

  test('passes on what lying peers make of the image', async () => {
    const swarm = settled()
    const honest = await passTime(swarm, askChain(swarm))
    for (const { id } of swarm.snapshot().peers) swarm.setMood(id, 'lying')
    expect(await passTime(swarm, askChain(swarm))).not.toEqual(honest)
    swarm.stop()
  })
})
