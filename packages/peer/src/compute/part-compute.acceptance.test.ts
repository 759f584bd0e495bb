import { encodeActivation, randomTensor, tokensOf } from '@layerswarm/model'
import { type ComputeBench, computeAcceptance } from '@layerswarm/swarm/testing'
import { describe, test } from 'vitest'
import { nodePlatform } from './compute.node.ts'
import type { ComputePlatform } from './engine-opener.ts'
import { createPartCompute } from './part-compute.ts'
import { inProcess, renamedReference, SMALL_FILES, SMALL_SPEC, storeOf } from './test-workers.ts'

async function openBench(platform: ComputePlatform): Promise<ComputeBench> {
  const needs = { spec: SMALL_SPEC, store: storeOf(SMALL_FILES), wireDtype: 'float16' } as const
  const compute = await createPartCompute(needs, platform)
  const shape = [1, tokensOf(SMALL_SPEC), SMALL_SPEC.width]
  return {
    compute,
    layers: SMALL_SPEC.layers,
    nowMs: () => performance.now(),
    input: (nonce) => encodeActivation(randomTensor(shape, nonce), 'float16'),
    settle: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    close: () => compute.close(),
  }
}

const platforms: [string, () => ComputePlatform][] = [
  ['the reference engine', () => nodePlatform(['reference'])],
  ['ONNX Runtime', () => nodePlatform(['ort-node'])],
  [
    'an engine on a GPU, where runs are batched',
    () => inProcess({ 'ort-webgpu': renamedReference('ort-webgpu') }),
  ],
]

// Each case starts a worker of its own.
describe.each(platforms)('the compute of a peer with %s is a compute: it', (_, platform) => {
  const cases = computeAcceptance(() => openBench(platform()))
  for (const { name, run } of cases) test(name, { timeout: 60_000 }, run)
})
