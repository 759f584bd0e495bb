// Makes models/samples/fashion-mnist-500: 500 test images of Fashion-MNIST, the first 50 of each
// class in test-set order, interleaved by class, so that any prefix is balanced.
//
//   node scripts/make-samples.mjs [DATA_FOLDER] [OUT_FOLDER]
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'

const PER_CLASS = 50
const CLASSES = 10
const [
  data = '/usr/share/datasets/fashion-mnist',
  out = fileURLToPath(new URL('../models/samples/fashion-mnist-500', import.meta.url)),
] = process.argv.slice(2)

/** Unpacks an idx file of unsigned bytes; `values` are its elements, `shape` its dimensions. */
function readIdx(name) {
  const bytes = gunzipSync(readFileSync(join(data, `${name}.gz`)))
  if (bytes.readUInt16BE(0) !== 0 || bytes[2] !== 0x08)
    throw new Error(`${name} is no idx file of bytes`)
  const shape = Array.from({ length: bytes[3] }, (_, axis) => bytes.readUInt32BE(4 + 4 * axis))
  return { shape, values: bytes.subarray(4 + 4 * shape.length) }
}

function writeIdx(name, shape, values) {
  const header = Buffer.alloc(4 + 4 * shape.length)
  header.writeUInt16BE(0x0800 | shape.length, 2)
  for (const [axis, size] of shape.entries()) header.writeUInt32BE(size, 4 + 4 * axis)
  writeFileSync(join(out, name), Buffer.concat([header, values]))
}

const images = readIdx('t10k-images-idx3-ubyte')
const labels = readIdx('t10k-labels-idx1-ubyte')
const [, height, width] = images.shape

const ofClass = Array.from({ length: CLASSES }, () => [])
for (const [index, label] of labels.values.entries()) {
  if (ofClass[label].length < PER_CLASS) ofClass[label].push(index)
}
const chosen = Array.from(
  { length: PER_CLASS * CLASSES },
  (_, place) => ofClass[place % CLASSES][Math.floor(place / CLASSES)],
)

mkdirSync(out, { recursive: true })
writeIdx(
  'images.idx3-ubyte',
  [chosen.length, height, width],
  Buffer.concat(
    chosen.map((index) =>
      images.values.subarray(index * height * width, (index + 1) * height * width),
    ),
  ),
)
writeIdx(
  'labels.idx1-ubyte',
  [chosen.length],
  Buffer.from(chosen.map((index) => labels.values[index])),
)
process.stdout.write(`${chosen.length} images of ${width} x ${height} pixels in ${out}\n`)
