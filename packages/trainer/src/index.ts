/**
 * Trains the vision transformers of a swarm, on the processor, with onnxruntime-node: a graph of
 * forward and backward pass takes the layers as inputs, so that every step may apply them in
 * another order (LayerShuffle, arXiv 2407.04513). A recipe and its seed decide the weights to the
 * last bit; a training that was stopped continues as if it had not been.
 *
 * @example
 * ```ts
 * const recipe = await readRecipe('packages/trainer/recipes/fashion-vit.json')
 * const report = await train({ ...recipe, images: 20_000 }, { outDir: 'runs/short' })
 * report.accuracies.arbitrary.mean // with the layers in a fresh random order for every 100 images
 * ```
 *
 * @packageDocumentation
 */

export type { CurvePoint } from './checkpoint.ts'
export {
  type Dataset,
  FASHION_MNIST_DIR,
  type LabelledImages,
  loadFashionMnist,
  sliceImages,
} from './data/dataset.ts'
export { TrainerError, type TrainerFault } from './errors.ts'
export {
  type Accuracies,
  EVALUATE_DEFAULTS,
  EVALUATION_BATCH,
  type EvaluateOptions,
  evaluateParameters,
} from './evaluate.ts'
export { modelFile, readModelFile } from './model-file.ts'
export { layoutOf, type ParameterLayout, type ParameterTensor } from './parameters.ts'
export { createRandom, type RandomState, type RandomStream } from './random.ts'
export {
  parseRecipe,
  type Recipe,
  readRecipe,
  specOf,
  stepsOf,
  TRAINED_VARIANTS,
  type TrainedVariant,
} from './recipe.ts'
export type { TrainReport } from './report.ts'
export { TRAIN_DEFAULTS, type TrainOptions, type TrainProgress, train } from './train.ts'
