import {
  type CreateEngine,
  createReferenceEngine,
  type ModelSpec,
  randomModel,
  randomTensor,
  relativeL2,
  tokensOf,
} from '@layerswarm/model'
import { CHECK_HOP } from './limits.ts'

/**
 * A layer on which wrong GPU kernels showed: heads of a width divisible by 4 and more than 32
 * tokens. `position`, because its layers use every operator that any layer uses.
 */
const CHECK_SPEC: ModelSpec = {
  variant: 'position',
  imageSize: 6,
  patchSize: 1,
  channels: 1,
  width: 32,
  layers: 2,
  heads: 4,
  mlpWidth: 64,
  classes: 2,
  layerNormEps: 1e-6,
}

/**
 * Runs a tiny built-in layer on a fresh engine and on the reference. Needed because a runtime can
 * be wrong without an error: some GPU kernels have returned finite nonsense.
 * @returns the relative L2 distance between the two results, infinite when one is not finite.
 */
export async function selfCheck(createEngine: CreateEngine): Promise<number> {
  const file = randomModel(CHECK_SPEC, 1, 'F16').get(0) ?? new Uint8Array()
  const input = randomTensor([1, tokensOf(CHECK_SPEC), CHECK_SPEC.width], 2) // (1, T, C)

  const engines = [await createEngine(CHECK_SPEC), createReferenceEngine(CHECK_SPEC)]
  const [ours, expected] = await Promise.all(
    engines.map(async (engine) => {
      await engine.load(0, file)
      const { data } = await engine.run(0, input, CHECK_HOP)
      await engine.close()
      return data
    }),
  )
  const distance = relativeL2(ours ?? [], expected ?? [])
  return Number.isFinite(distance) ? distance : Number.POSITIVE_INFINITY
}
