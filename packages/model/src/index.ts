/**
 * The vision transformer of a swarm, free of any platform: its shape (`ModelSpec`), the files of
 * its parts, the manifest that publishes them, the activation on the wire, and the forward pass in
 * plain loops that every engine is measured against. A model has a stem, a head and layers that
 * may run in any order; some may be left out.
 *
 * @example
 * ```ts
 * import {
 *   createReferenceEngine, forward, parseModelSpec, parseOrder, randomModel, randomTensor, softmax,
 * } from '@layerswarm/model'
 *
 * const spec = parseModelSpec({
 *   variant: 'shuffle', imageSize: 28, patchSize: 7, channels: 1, width: 32, layers: 4, heads: 4,
 *   mlpWidth: 64, classes: 10, layerNormEps: 1e-6,
 * })
 * const engine = createReferenceEngine(spec)
 * for (const [part, file] of randomModel(spec, 1)) await engine.load(part, file)
 * const images = randomTensor([2, 1, 28, 28], 2)
 * const logits = await forward(engine, spec, images, parseOrder('2,0,3', spec)) // without layer 1
 * const probabilities = softmax(logits) // (2, 10)
 * ```
 *
 * @packageDocumentation
 */

// The shape of a model: what a layer, a stem and a head consist of.

export { parseHuggingFaceConfig, parseHuggingFaceLabels } from './hugging-face-config.ts'
export {
  checkpointName,
  keepsOrder,
  layerShapes,
  layersOf,
  type ModelSpec,
  type Part,
  POSITION_WIDTH,
  parseModelSpec,
  partsOf,
  shapesOf,
  type TensorShapes,
  tokensOf,
  VARIANT_LAYER_NORM_EPS,
  VARIANTS,
  type Variant,
} from './spec.ts'

// Numbers: tensors, and what a test or a demonstration needs to fill them.

export { randomModel, randomPart, randomTensor } from './random-model.ts'
export { mulberry32 } from './seeded-random.ts'
export { elementsOf, relativeL2, type Tensor, tensor } from './tensor.ts'

// Pictures: from pixels to the input of a stem.

export { foregroundOf } from './foreground.ts'
export { parseHuggingFacePreprocessor } from './hugging-face-preprocessor.ts'
export { parseIdx } from './idx.ts'
export {
  decodedShrink,
  foregroundOfPicture,
  grayTensor,
  imageTensor,
  normalisedBytes,
  type Pixels,
  type Preparation,
  preparePicture,
} from './image.ts'
export {
  FILTERS,
  type Fill,
  type Filter,
  type Preprocessing,
  parsePreprocessing,
  type Resize,
  resizeOf,
} from './preprocessing.ts'

// Running it: the engine, the oracle in plain loops, the suite that every engine passes.

export { type CreateEngine, ENGINE_NAMES, type Engine, type EngineName } from './engine.ts'
export { engineAcceptance } from './engine-acceptance.ts'
export { argmax, checkOrder, forward, layersFault, parseOrder, rowsOf, softmax } from './forward.ts'
export { checkPartInput, inputShapeOf, partName, throwNotLoaded } from './part-input.ts'
export {
  createReferenceEngine,
  gelu,
  type PartValues,
  referenceHead,
  referenceHopLogits,
  referenceLayer,
  referenceStem,
} from './reference.ts'

// Running it on ONNX Runtime: a graph per part, and the builder of graphs.

export { type Attributes, createGraph, type GraphBuilder } from './onnx/graph.ts'
export { partGraph } from './onnx/part-graph.ts'

// Files: the weights of a part, and of a whole checkpoint.

export { foreignFile } from './foreign-file.ts'

export {
  checkPart,
  joinCheckpoint,
  type PartDtype,
  type PartTensors,
  partValues,
  recodePart,
  splitCheckpoint,
  writePart,
} from './part-file.ts'
export {
  readSafetensors,
  type SafetensorsDtype,
  type SafetensorsEntry,
  type SafetensorsHeader,
  type SafetensorsTensor,
  tensorValues,
  writeSafetensors,
} from './safetensors.ts'

export {
  readStoredTensors,
  type StoredEntry,
  type StoredTensors,
  storedValues,
} from './stored-tensors.ts'

// Releases: the signed manifest that names every file by its hash.

export { canonicalJson, type Json } from './canonical-json.ts'
export { type Grouping, groupingText, parseGrouping, singleRounds } from './grouping.ts'
export { checkSha256, isSha256, parseSha256, type Sha256, sha256 } from './hash.ts'
export { labelFault } from './label.ts'
export { type LaneReleaseChoice, laneReleaseIn } from './lane-release.ts'
export { LAYER_DTYPES, type LayerDtype, type LayerFiles, STORED_AS } from './layer-files.ts'
export {
  fileDistanceOf,
  filesOf,
  isReleaseName,
  MANIFEST_FORMAT,
  type Manifest,
  type ManifestPart,
  manifestBytes,
  parseManifest,
  publisherOf,
  type ReleaseFile,
  type ReleaseId,
  releaseId,
  signManifest,
  verifyManifest,
} from './manifest.ts'
export { type MeasuredGrouping, measuredGroupings } from './measured-groupings.ts'
export { mixFault } from './mix-fault.ts'
export type { Mix } from './mixes.ts'
export {
  logitVariance,
  type Novelty,
  type NoveltyVerdict,
  noveltyScore,
  noveltyVerdict,
} from './novelty.ts'

// The wire: an activation as bytes, and the receipt of a run that anybody can replay.

export {
  ACTIVATION_DTYPES,
  type ActivationDtype,
  activationBytes,
  checkActivationShape,
  decodeActivation,
  type EncodedActivation,
  encodeActivation,
} from './activation.ts'
export {
  parseReceipt,
  RECEIPT_FORMAT,
  type Receipt,
  type ReceiptRun,
  receiptText,
  replayRun,
} from './receipt.ts'

// What can be wrong, and how much is read of strangers.

export { CodedError, oneLine } from './coded-error.ts'
export { ModelError, type ModelFault } from './errors.ts'
export { fetchFault } from './fetch-fault.ts'
export { fileReason } from './file-reason.ts'
export {
  FOREIGN_FILE_BYTES,
  LAYER_FILES_APART_MAX,
  MANIFEST_BYTES_MAX,
  NAME_LETTERS_MAX,
  PICTURE_PIXELS_MAX,
  PICTURE_SIDE_PIXELS_MAX,
} from './limits.ts'
