import { type Part, partsOf, randomModel } from '@layerswarm/model'
import { afterEach, describe, expect, test } from 'vitest'
import type { LayerStore } from '../store/layer-store.ts'
import { FILES_UNDER_WAY_BYTES_MAX } from './limits.ts'
import { createPartCompute, type PartCompute } from './part-compute.ts'
import { inProcess, renamedReference, SMALL_SPEC, storeOf } from './test-workers.ts'

const SPEC = { ...SMALL_SPEC, layers: 6 }
const FILES = randomModel(SPEC, 3)

const opened: PartCompute[] = []
afterEach(async () => {
  await Promise.all(opened.splice(0).map((compute) => compute.close()))
})

/** A compute over a store that says its files are as large as this, and counts those given out and not loaded yet. */
async function open(bytes: number) {
  const files = storeOf(FILES)
  let given = 0
  const seen = { most: 0, parts: [] as Part[] }
  const store: LayerStore = {
    ...files,
    bytesOf: () => bytes,
    async part(part, signal) {
      seen.parts.push(part)
      given += 1
      seen.most = Math.max(seen.most, given)
      return files.part(part, signal)
    },
  }
  const reference = renamedReference('ort-wasm')
  const engine: typeof reference = async (spec) => {
    const one = await reference(spec)
    return {
      ...one,
      async load(part, file) {
        await new Promise((resolve) => setTimeout(resolve, 5))
        await one.load(part, file)
        if (spec === SPEC) given -= 1
      },
    }
  }
  const needs = { spec: SPEC, store, wireDtype: 'float32' } as const
  const compute = await createPartCompute(needs, inProcess({ 'ort-wasm': engine }))
  opened.push(compute)
  return { compute, seen }
}

const host = (compute: PartCompute, layer: number) =>
  new Promise<string | undefined>((resolve) => compute.host(layer, resolve))
const layers = partsOf(SPEC).filter((part) => typeof part === 'number')

describe('layers that are hosted at once', () => {
  test('are in memory one after the other where they are large', async () => {
    const { compute, seen } = await open(FILES_UNDER_WAY_BYTES_MAX)
    await Promise.all(layers.map((layer) => host(compute, layer)))
    expect(seen.parts).toEqual(layers)
    expect(seen.most).toBe(1)
  })

  test('are fetched together where they are small', async () => {
    const { compute, seen } = await open(1_000)
    await Promise.all(layers.map((layer) => host(compute, layer)))
    expect(seen.most).toBe(layers.length)
  })
})
