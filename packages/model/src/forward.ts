import type { Engine } from './engine.ts'
import { ModelError } from './errors.ts'
import { checkPartInput } from './part-input.ts'
import type { ModelSpec } from './spec.ts'
import type { Tensor } from './tensor.ts'

/**
 * Checks an order of layers: each from 0 to layers − 1, none twice; some or all may be missing.
 * @throws ModelError `bad-order`.
 */
export function checkOrder(order: readonly number[], spec: ModelSpec): void {
  const fault = layersFault(order, spec)
  if (fault !== undefined) fail(order, fault)
}

/** Why these are not layers of the model, each once; undefined when they are. */
export function layersFault(
  named: readonly number[],
  { layers }: Pick<ModelSpec, 'layers'>,
): string | undefined {
  const seen = new Set<number>()
  for (const layer of named) {
    if (!Number.isInteger(layer) || layer < 0 || layer >= layers)
      return `layer ${layer} does not exist; this model has layers 0 to ${layers - 1}`
    if (seen.has(layer)) return `layer ${layer} is named twice`
    seen.add(layer)
  }
  return undefined
}

/** Reads an order as people write it: "2,0,1", or "" for no layer. @throws ModelError `bad-order`. */
export function parseOrder(text: string, spec: ModelSpec): number[] {
  if (text.trim() === '') return []
  const order = text.split(',').map((word) => {
    const digits = word.trim()
    if (!/^\d{1,4}$/.test(digits)) {
      fail([], `${JSON.stringify(digits.slice(0, 40))} is not a layer; write it like "2,0,1"`)
    }
    return Number(digits)
  })
  checkOrder(order, spec)
  return order
}

function fail(order: readonly number[], message: string): never {
  throw new ModelError({ code: 'bad-order', order: order.slice(0, 64) }, `order: ${message}`)
}

/**
 * The whole model on one engine that has loaded the stem, the head and every layer of `order`.
 * Images (B, channels, H, W) → logits (B, classes).
 * @throws ModelError `bad-order`, `bad-shape` or `not-loaded`.
 */
export async function forward(
  engine: Engine,
  spec: ModelSpec,
  images: Tensor,
  order: readonly number[],
): Promise<Tensor> {
  checkOrder(order, spec)
  checkPartInput(spec, 'stem', images, 0)
  let x = await engine.run('stem', images, 0) // (B, T, C)
  for (const [hop, layer] of order.entries()) x = await engine.run(layer, x, hop) // (B, T, C)
  return engine.run('head', x, 0) // (B, classes)
}

/** Probabilities of logits along the last axis. (…, classes) → (…, classes) */
export function softmax(logits: Tensor): Tensor {
  const data = new Float32Array(logits.data.length)
  const width = logits.shape.at(-1) ?? 1
  for (let start = 0; start < data.length; start += width) {
    const row = logits.data.subarray(start, start + width)
    const largest = row.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY)
    const powers = Array.from(row, (logit) => Math.exp(logit - largest))
    const sum = powers.reduce((a, b) => a + b, 0)
    data.set(
      powers.map((power) => power / sum),
      start,
    )
  }
  return { shape: logits.shape, data }
}

/** The rows of a tensor along its first axis, as views. (N, …) → N arrays */
export function rowsOf(tensor: Tensor): Float32Array[] {
  const [rows = 1] = tensor.shape
  const width = tensor.data.length / rows
  return Array.from({ length: rows }, (_, row) =>
    tensor.data.subarray(row * width, (row + 1) * width),
  )
}

/** The index of the largest value; the first of equals. */
export function argmax(values: ArrayLike<number>): number {
  let best = 0
  for (let i = 1; i < values.length; i++) {
    if ((values[i] as number) > (values[best] as number)) best = i
  }
  return best
}
