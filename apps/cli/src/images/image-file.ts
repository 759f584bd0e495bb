import { type Tensor, tensor } from '@layerswarm/model'
import { CliError } from '../cli-error.ts'
import { readJson } from '../files.ts'

/**
 * Reads images (B, channels, H, W) from JSON: `{shape, data}`, or an object whose `images` is that.
 * @throws CliError `not-found` or `bad-file`, ModelError `bad-shape`.
 */
export async function readImages(path: string): Promise<Tensor> {
  const value = await readJson(path)
  const found = isRecord(value) && 'images' in value ? value.images : value
  const fail = (message: string): never => {
    throw new CliError({ code: 'bad-file', path }, `${path} ${message}`)
  }
  if (!isRecord(found)) return fail('holds no {shape, data}')
  const { shape, data } = found
  if (!isNumbers(shape) || shape.length > 8 || !shape.every(isSize))
    return fail('has no valid "shape"')
  if (!isNumbers(data)) return fail('has no "data", a flat list of numbers')
  const values = Float32Array.from(data)
  if (!values.every(Number.isFinite)) return fail('has values that float32 cannot hold')
  return tensor(shape, values)
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isNumbers(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((entry) => typeof entry === 'number')
}

function isSize(value: number): boolean {
  return Number.isSafeInteger(value) && value > 0
}
