import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseIdx } from '@layerswarm/model'

const SIDE = 8
const CLASSES = 10

/** A small data set in the files of Fashion-MNIST: the label is where an image is bright. */
export async function writeTrainingData(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  for (const [split, count] of [
    ['train', 400],
    ['t10k', 100],
  ] as const) {
    const pixels = new Uint8Array(count * SIDE * SIDE)
    const labels = Uint8Array.from({ length: count }, (_, at) => (at * 7) % CLASSES)
    labels.forEach((label, image) => {
      const start = image * SIDE * SIDE
      for (let at = 0; at < SIDE * SIDE; at++) {
        const isBright = Math.floor(at / 6) === label
        pixels[start + at] = ((image * 31 + at * 17) % 90) + (isBright ? 150 : 0)
      }
    })
    const images = idxFile([count, SIDE, SIDE], pixels)
    await writeFile(join(folder, `${split}-images-idx3-ubyte`), images)
    await writeFile(join(folder, `${split}-labels-idx1-ubyte`), idxFile([count], labels))
  }
}

const SAMPLES = fileURLToPath(new URL('../../models/samples/fashion-mnist-500', import.meta.url))

/** The samples that ship, in the files of Fashion-MNIST: 400 to train, 40 to test. */
export async function writeSampleData(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  const images = parseIdx(await readFile(join(SAMPLES, 'images.idx3-ubyte')))
  const labels = parseIdx(await readFile(join(SAMPLES, 'labels.idx1-ubyte')))
  for (const [name, from, to] of [
    ['train', 0, 400],
    ['t10k', 400, 440],
  ] as const) {
    const size = 28 * 28
    const pixels = images.data.slice(from * size, to * size)
    await writeFile(join(folder, `${name}-images-idx3-ubyte`), idxFile([to - from, 28, 28], pixels))
    await writeFile(
      join(folder, `${name}-labels-idx1-ubyte`),
      idxFile([to - from], labels.data.slice(from, to)),
    )
  }
}

function idxFile(shape: readonly number[], data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(4 + 4 * shape.length + data.length)
  const header = new DataView(bytes.buffer)
  header.setUint32(0, 0x0800 + shape.length)
  shape.forEach((size, axis) => {
    header.setUint32(4 + 4 * axis, size)
  })
  bytes.set(data, 4 + 4 * shape.length)
  return bytes
}

/** A recipe that trains in seconds, 2,200 steps. */
export const tinyRecipe = {
  name: 'tiny',
  variant: 'shuffle',
  patchSize: 4,
  width: 8,
  layers: 2,
  heads: 2,
  mlpWidth: 8,
  batch: 4,
  images: 8800,
  optimizer: 'adamw',
  learningRate: 0.002,
  beta2: 0.98,
  weightDecay: 0.02,
  clip: 1,
  warmupSteps: 10,
  labelSmoothing: 0.1,
  ema: 0.9,
  shift: 1,
  flip: 0.25,
  erase: 0.2,
  keptPatches: 4,
  keptPatchesUntil: 0,
  seed: 1,
  threads: 1,
}
