import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { createRandom } from '../random.ts'

/** Bytes of an idx file of unsigned bytes. */
export function idxBytes(shape: readonly number[], data: Uint8Array): Uint8Array {
  const header = new DataView(new ArrayBuffer(4 + 4 * shape.length))
  header.setUint32(0, 0x0800 + shape.length)
  shape.forEach((size, axis) => {
    header.setUint32(4 + 4 * axis, size)
  })
  return Uint8Array.from([...new Uint8Array(header.buffer), ...data])
}

/** Height and width of the fixture's images, pixels. */
export const FIXTURE_IMAGE_SIZE = 8
const FIXTURE_CLASSES = 10

/**
 * Writes a small data set in the files of Fashion-MNIST: each class is a bright square at a place
 * of its own in noise, so that a working trainer learns it within seconds. Labels are packed.
 */
export async function writeFixture(
  folder: string,
  trainCount = 600,
  testCount = 200,
): Promise<void> {
  await mkdir(folder, { recursive: true })
  for (const [split, count] of [
    ['train', trainCount],
    ['t10k', testCount],
  ] as const) {
    const random = createRandom(7, split)
    const n = FIXTURE_IMAGE_SIZE
    const labels = Uint8Array.from({ length: count }, () => random.below(FIXTURE_CLASSES))
    const pixels = Uint8Array.from({ length: count * n * n }, (_, index) => {
      const label = labels[Math.floor(index / (n * n))] as number
      const [y, x] = [Math.floor(index / n) % n, index % n]
      const inside = Math.floor(y / 2) === label % 4 && Math.floor(x / 2) === Math.floor(label / 4)
      return random.below(100) + (inside ? 150 : 0)
    })
    const images = idxBytes([count, n, n], pixels)
    await writeFile(join(folder, `${split}-images-idx3-ubyte`), images)
    const packed = gzipSync(idxBytes([count], labels))
    await writeFile(join(folder, `${split}-labels-idx1-ubyte.gz`), packed)
  }
}
