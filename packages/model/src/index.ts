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
export * from './activation.ts'
export * from './canonical-json.ts'
export * from './engine.ts'
export * from './engine-acceptance.ts'
export * from './errors.ts'
export * from './forward.ts'
export * from './half.ts'
export * from './hash.ts'
export * from './hugging-face-config.ts'
export * from './idx.ts'
export * from './image.ts'
export * from './limits.ts'
export * from './manifest.ts'
export * from './onnx/graph.ts'
export * from './onnx/part-graph.ts'
export * from './part-file.ts'
export * from './part-input.ts'
export * from './preprocessing.ts'
export * from './random-model.ts'
export * from './receipt.ts'
export * from './reference.ts'
export * from './safetensors.ts'
export * from './spec.ts'
export * from './tensor.ts'
export * from './text.ts'
