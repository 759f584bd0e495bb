/**
 * Trains the vision transformers of a swarm, on the processor with onnxruntime-node or on a graphics
 * card with tfjs: a graph of forward and backward pass takes the layers as inputs, so that every
 * step may apply them in another order (LayerShuffle, arXiv 2407.04513). A recipe and its seed
 * decide the weights to the last bit; a training that was stopped continues as if it had not been.
 * `docs/training.md` shows the same from the command line.
 *
 * @example
 * ```ts
 * import { readRecipe, train } from '@layerswarm/trainer'
 *
 * const recipe = await readRecipe('packages/trainer/recipes/fashion-vit.json')
 * const report = await train(
 *   { ...recipe, images: 20_000 },
 *   { outDir: 'runs/short', dataDir: '/usr/share/datasets/fashion-mnist' },
 * )
 * report.accuracies.arbitrary.mean // with the layers in a fresh random order for every 100 images
 * ```
 *
 * @packageDocumentation
 */
export type { CurvePoint } from './checkpoint.ts'
export {
  type Dataset,
  type LabelledImages,
  type PixelFormat,
  sliceImages,
} from './data/dataset.ts'
export { type DataSource, downloadData, readSources } from './data/download.ts'
export { FASHION_MNIST_DIR } from './data/idx-data.ts'
export type { ImageFolderOptions } from './data/image-folder.ts'
export { type LoadOptions, loadDataset } from './data/load-dataset.ts'
export type { DecodePicture } from './data/prepared-files.ts'
export type { EngineName } from './engine/train-engine.ts'
export { TrainerError, type TrainerFault } from './errors.ts'
export type { Accuracies } from './evaluate.ts'
export {
  type Evaluation,
  type EvaluationOptions,
  evaluateLayerFiles,
  evaluateMix,
  evaluateModels,
  evaluateNovelty,
  evaluateRounds,
  type MeasurableModel,
  type MergedEvaluation,
  type ModelEvaluation,
  type TrainingFacts,
} from './evaluation/evaluate-models.ts'
export type { LayerFilesEvaluation, LayerFilesMeasure } from './evaluation/layer-files.ts'
export { measureCores, measureMending, measureShared } from './evaluation/related-work.ts'
export { coreSection, mendedSection, sharedSection } from './evaluation/related-work-section.ts'
export type { EvaluationProgress, TestImages } from './evaluation/sweep.ts'
export { writeEvaluation, writeResultsPage, writeSection } from './evaluation/write-report.ts'
export { cannotWrite, makeFolder, replaceFile } from './files.ts'
export {
  type HuggingFaceFiles,
  type ImportedModel,
  importCheckpoint,
} from './import-checkpoint.ts'
export { type MadeModel, writeMadeModel } from './made-model.ts'
export { drawMask, mergeParts, sameSpec } from './merge.ts'
export { openOutputFile, openOutputFolder } from './output-folder.ts'
export { layoutOf, type ParameterLayout, type ParameterTensor } from './parameters.ts'
export { createRandom, type RandomState, type RandomStream } from './random.ts'
export {
  parseRecipe,
  type Recipe,
  readRecipe,
  specOf,
} from './recipe.ts'
export type { TrainReport } from './report.ts'
export { resumeCommandIn } from './resumption.ts'
export type { StartModel } from './start-model.ts'
export { createStepTimer, type StepTime, type StepTimer } from './step-timer.ts'
export { openTorch, type Torch } from './torch.ts'
export { TRAIN_DEFAULTS, type TrainOptions, type TrainProgress, train } from './train.ts'
