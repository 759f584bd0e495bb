/**
 * How far apart the engines of this machine are: each layer of the demo release on real images, by every engine, every
 * type of layer file and every type in which an activation travels.
 *
 *   node scripts/measure-tolerance.mjs [--images 20]
 *
 * Prints a table: for each pair of engines the largest ‖a − b‖ / ‖b‖ of one image after one layer, and in how many of
 * them the bytes are the same. What no engine opens for is left out with a line that says why. Needs a build.
 */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  ACTIVATION_DTYPES,
  createReferenceEngine,
  decodeActivation,
  encodeActivation,
  grayTensor,
  joinCheckpoint,
  parseIdx,
  splitCheckpoint,
  tensor,
} from '@layerswarm/model'
import { createNodeEngine } from '@layerswarm/peer/node'
import { createSignaling } from '@layerswarm/signaling'
import { buildBenchPage } from '../apps/cli/dist/bench/bench-page.js'
import { launchChromium } from '../apps/cli/dist/bench/chromium.js'
import { readModelFolder } from '../apps/cli/dist/release/release-folder.js'
import { readFlags } from './faults/flags.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const folder = join(root, 'models', 'fashion-vit')
const FILE_DTYPES = ['F32', 'F16']
const NODE_ENGINES = ['reference', 'ort-node', 'ort-wasm', 'tfjs-webgpu']
const BROWSER_ENGINES = ['ort-wasm', 'ort-webgpu', 'tfjs-webgpu']
/** A driver of Vulkan in software, as Debian's Chromium brings it. */
const SOFTWARE = '/usr/lib/chromium/vk_swiftshader_icd.json'
/** A graphics card in software may take for ever on a busy machine. */
const ENGINE_MS_MAX = 180_000
const BROWSER_FLAGS = ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader']

const values = readFlags({ images: 20, engine: '', folder: '' })
if (!Number.isInteger(values.images) || values.images < 1) {
  process.stderr.write(`--images is "${values.images}" and must be a whole number from 1 on\n`)
  process.exit(2)
}

/** The layer files of the release, by their type. */
async function readFiles() {
  const { spec, parts, preprocessing } = await readModelFolder(folder)
  const checkpoint = joinCheckpoint(spec, parts)
  const files = FILE_DTYPES.map((dtype) => [dtype, splitCheckpoint(checkpoint, spec, { dtype })])
  return { spec, files: new Map(files), preprocessing }
}

/** Real images as one batch, (B, channels, H, W). */
async function readImages(spec, preprocessing, count) {
  const path = join(root, 'models', 'samples', 'fashion-mnist-500', 'images.idx3-ubyte')
  const { shape, data } = parseIdx(new Uint8Array(await readFile(path)))
  const pixels = shape[1] * shape[2]
  const images = new Float32Array(count * pixels)
  for (let i = 0; i < count; i++)
    images.set(
      grayTensor(data.subarray(i * pixels, (i + 1) * pixels), preprocessing).data,
      i * pixels,
    )
  return tensor([count, spec.channels, spec.imageSize, spec.imageSize], images)
}

/** What each layer is given: the reference's way through all layers in their order. (B, T, C) each. */
async function readInputs({ spec, files, preprocessing }, count) {
  const engine = createReferenceEngine(spec)
  for (const [part, file] of files.get('F32')) await engine.load(part, file)
  const images = await readImages(spec, preprocessing, count)
  const inputs = [await engine.run('stem', images, 0)]
  for (let layer = 0; layer + 1 < spec.layers; layer++)
    inputs.push(await engine.run(layer, inputs[layer], layer))
  return inputs
}

const shapeOf = ({ shape }) => [...shape]
const travelled = (activation, dtype) => decodeActivation(encodeActivation(activation, dtype))
const cases = ({ spec }) =>
  FILE_DTYPES.flatMap((file) =>
    ACTIVATION_DTYPES.flatMap((wire) =>
      Array.from({ length: spec.layers }, (_, layer) => ({ file, wire, layer })),
    ),
  )

/** The outputs of one engine of Node, one per case. */
async function outputsInNode(name, model, inputs) {
  const outputs = []
  for (const dtype of FILE_DTYPES) {
    const engine = await createNodeEngine(name, model.spec)
    for (const [part, file] of model.files.get(dtype)) await engine.load(part, file)
    for (const { wire, layer } of cases(model).filter(({ file }) => file === dtype))
      outputs.push((await engine.run(layer, travelled(inputs[layer], wire), layer)).data)
    await engine.close()
  }
  return outputs
}

const toText = (data) =>
  Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64')
const fromText = (text) => {
  const bytes = Buffer.from(text, 'base64')
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length))
}

/** One engine in a process of its own, with a graphics driver in software where there is none. */
async function outputsInChild(name, scratch) {
  const software = existsSync(SOFTWARE)
    ? { LD_LIBRARY_PATH: '/usr/lib/chromium', VK_ICD_FILENAMES: SOFTWARE }
    : {}
  const env = name === 'tfjs-webgpu' ? { ...process.env, ...software } : process.env
  const words = [fileURLToPath(import.meta.url), '--engine', name, '--folder', scratch]
  const child = spawn(process.execPath, [...words, '--images', String(values.images)], {
    env,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const timer = setTimeout(() => child.kill('SIGKILL'), ENGINE_MS_MAX)
  let said = ''
  child.stderr.on('data', (chunk) => {
    said += chunk
  })
  const code = await new Promise((resolve) => child.once('close', resolve))
  clearTimeout(timer)
  if (code === null) throw new Error('not done in time')
  if (code !== 0)
    throw new Error(
      said
        .trim()
        .split('\n')
        .findLast((line) => line.includes('Error')) ?? said,
    )
  return JSON.parse(await readFile(join(scratch, `${name}.json`), 'utf8')).map(fromText)
}

async function withPage(task) {
  const browser = await launchChromium(BROWSER_FLAGS)
  if (typeof browser === 'string') throw new Error(browser)
  const built = await buildBenchPage()
  if (typeof built === 'string') throw new Error(built)
  const dataDir = await mkdtemp(join(tmpdir(), 'layerswarm-tolerance-'))
  const place = { host: '127.0.0.1', port: 0 }
  const signaling = createSignaling({
    modelDirs: [folder],
    pageDir: built.folder,
    dataDir,
    ...place,
  })
  try {
    const { url } = await signaling.start()
    const page = await (await browser.newContext()).newPage()
    await page.goto(url)
    return await task(page)
  } finally {
    await browser.close()
    await signaling.stop()
    await rm(dataDir, { recursive: true, force: true })
  }
}

/** The outputs of one engine of the browser, one per case. */
async function outputsInPage(page, name, model, inputs) {
  const outputs = []
  for (const dtype of FILE_DTYPES) {
    const runs = cases(model)
      .filter(({ file }) => file === dtype)
      .map(({ wire, layer }) => {
        const { shape, data } = travelled(inputs[layer], wire)
        return { layer, shape: [...shape], data: toText(data) }
      })
    const files = [...model.files.get(dtype)].map(([part, file]) => [part, toText(file)])
    const given = { name, spec: model.spec, files, runs }
    outputs.push(...(await page.evaluate((all) => globalThis.bench.layerOutputs(all), given)))
  }
  return outputs.map(fromText)
}

/** Of each image of a batch ‖a − b‖ / ‖b‖, as it travels. */
function distances(a, b, wire, shape) {
  const [batch] = shape
  const sent = [a, b].map(
    (data) => decodeActivation(encodeActivation(tensor(shape, data), wire)).data,
  )
  const size = sent[0].length / batch
  return Array.from({ length: batch }, (_, image) => {
    let apart = 0
    let length = 0
    for (let i = image * size; i < (image + 1) * size; i++) {
      apart += (sent[0][i] - sent[1][i]) ** 2
      length += sent[1][i] ** 2
    }
    return Math.sqrt(apart / length)
  })
}

async function main() {
  const model = await readFiles()
  const inputs = await readInputs(model, values.images)
  if (values.engine !== '') {
    const outputs = await outputsInNode(values.engine, model, inputs)
    await writeFile(
      join(values.folder, `${values.engine}.json`),
      JSON.stringify(outputs.map(toText)),
    )
    process.exit(0)
  }
  const found = new Map()
  const tryOne = async (name, run) => {
    try {
      found.set(name, await run())
      process.stderr.write(`${name}: done\n`)
    } catch (error) {
      process.stderr.write(`${name}: left out, ${String(error.message).split('\n')[0]}\n`)
    }
  }
  const scratch = await mkdtemp(join(tmpdir(), 'layerswarm-tolerance-'))
  for (const name of NODE_ENGINES)
    await tryOne(`${name} in Node`, () => outputsInChild(name, scratch))
  await rm(scratch, { recursive: true, force: true })
  await withPage(async (page) => {
    for (const name of BROWSER_ENGINES)
      await tryOne(`${name} in Chromium`, () => outputsInPage(page, name, model, inputs))
  }).catch((error) => process.stderr.write(`Chromium: left out, ${error.message}\n`))
  report(model, inputs, found)
}

function report(model, inputs, found) {
  const names = [...found.keys()]
  const pairs = names.flatMap((a, i) => names.slice(i + 1).map((b) => [a, b]))
  const all = cases(model)
  process.stdout.write(
    '| engines | travels as | results | largest distance | same bytes |\n|---|---|---|---|---|\n',
  )
  for (const [a, b] of pairs)
    for (const wire of ACTIVATION_DTYPES) {
      const seen = all.flatMap(({ wire: one, layer }, at) =>
        one === wire
          ? distances(found.get(a)[at], found.get(b)[at], wire, shapeOf(inputs[layer]))
          : [],
      )
      const same = seen.filter((one) => one === 0).length
      const cells = [`${a}, ${b}`, wire, seen.length, Math.max(...seen).toExponential(1)]
      process.stdout.write(
        `| ${cells.join(' | ')} | ${((100 * same) / seen.length).toFixed(1)} % |\n`,
      )
    }
}

await main()
process.exit(0)
