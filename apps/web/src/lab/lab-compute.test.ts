import {
  createReferenceEngine,
  encodeActivation,
  parseModelSpec,
  randomModel,
  randomTensor,
  tokensOf,
} from '@layerswarm/model'
import { type ComputeBench, computeAcceptance, VirtualClock } from '@layerswarm/swarm/testing'
import { describe, test } from 'vitest'
import { LabCompute } from './lab-compute.ts'
import { Pace } from './pace.ts'

const spec = parseModelSpec({
  variant: 'shuffle',
  imageSize: 8,
  patchSize: 4,
  channels: 1,
  width: 8,
  layers: 3,
  heads: 2,
  mlpWidth: 16,
  classes: 3,
  layerNormEps: 1e-6,
})

async function openBench(): Promise<ComputeBench> {
  const engine = createReferenceEngine(spec)
  for (const [part, file] of randomModel(spec, 2)) await engine.load(part, file)
  const clock = new VirtualClock()
  const turn = new MessageChannel()
  return {
    compute: new LabCompute(clock, engine, new Pace(), () => false),
    layers: spec.layers,
    nowMs: () => clock.nowMs(),
    input: (nonce) =>
      encodeActivation(randomTensor([1, tokensOf(spec), spec.width], nonce), 'float16'),
    // The engine answers in promises, which take no virtual time; a timer would take a real millisecond.
    async settle(ms) {
      await new Promise((resolve) => {
        turn.port1.onmessage = resolve
        turn.port2.postMessage(undefined)
      })
      clock.run(clock.nowMs() + ms)
    },
    close() {
      turn.port1.close()
      return engine.close()
    },
  }
}

describe('the compute of a simulated peer on the page is a compute: it', () => {
  for (const { name, run } of computeAcceptance(openBench)) test(name, run)
})
