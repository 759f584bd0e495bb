/**
 * What a sum of updates loses on the wire, and what running the layers of a share as one graph would save.
 *
 *   node scripts/measure-sums.mjs [--images 40] [--runs 60]
 *
 * Prints, for models/fashion-vit on real images: ‖a − b‖ / ‖b‖ of sums of 1, 2 and 4 layers, and of the round's output,
 * where the sum travels as float16 or int8, and where it is made of outputs that were float16 already; how many answers
 * of two rounds of four change their class by that. Then the processor time of four layers as four runs and as one
 * graph with the sum in it, in WebAssembly on one thread. Needs a build.
 */
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  argmax,
  createGraph,
  decodeActivation,
  encodeActivation,
  grayTensor,
  tensor,
} from '@layerswarm/model'
import { createNodeEngine } from '@layerswarm/peer/node'
import { readSamples, sampleAt } from '../apps/cli/dist/images/samples.js'
import { readModelFolder } from '../apps/cli/dist/release/release-folder.js'
import { readFlags } from './faults/flags.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
/** That of the peer, whose engine it is. */
const ort = createRequire(join(root, 'packages', 'peer', 'package.json'))('onnxruntime-web')
const values = readFlags({ images: 40, runs: 60 })
const { spec, parts, preprocessing } = await readModelFolder(join(root, 'models', 'fashion-vit'))
const samples = await readSamples(join(root, 'models', 'samples', 'fashion-mnist-500'))
const engine = await createNodeEngine('ort-wasm', spec)
for (const [part, file] of parts) await engine.load(part, file)

const as = (dtype, x) => decodeActivation(encodeActivation(x, dtype))
const float16 = (x) => as('float16', x)
const norm = (a) => Math.sqrt(a.reduce((sum, one) => sum + one * one, 0))
const apart = (a, b) => norm(a.map((one, i) => one - b[i])) / norm(b)
const added = (x, sum) =>
  tensor(
    [...x.shape],
    x.data.map((one, i) => one + sum[i]),
  )

/** What these layers add to x. @param rounded how an output is given to whoever adds it up. */
async function sumOf(layers, x, rounded) {
  const sum = new Float32Array(x.data.length)
  for (const layer of layers) {
    const { data } = rounded(await engine.run(layer, x, 0))
    for (let i = 0; i < sum.length; i++) sum[i] += data[i] - x.data[i]
  }
  return tensor([...x.shape], sum)
}

const WAYS = {
  'float16 of float16 outputs (as it is)': [float16, float16],
  'float16 of float32 outputs': [(y) => y, float16],
  'int8 of float32 outputs': [(y) => y, (sum) => as('int8', sum)],
}

const stems = []
for (let i = 0; i < values.images; i++) {
  const image = grayTensor(sampleAt(samples, i).pixels, preprocessing)
  stems.push(float16(await engine.run('stem', image, 0)))
}

console.log('| sum | layers | of the sum | of the output |\n|---|--:|--:|--:|')
for (const layers of [[0], [1, 5], [0, 2, 4, 6]]) {
  const most = new Map()
  for (const stem of stems) {
    const x = float16(added(stem, (await sumOf([3, 7], stem, (y) => y)).data))
    const exact = await sumOf(layers, x, (y) => y)
    for (const [way, [rounded, sent]] of Object.entries(WAYS)) {
      const sum = sent(await sumOf(layers, x, rounded))
      const [a, b] = most.get(way) ?? [0, 0]
      const out = apart(added(x, sum.data).data, added(x, exact.data).data)
      most.set(way, [Math.max(a, apart(sum.data, exact.data)), Math.max(b, out)])
    }
  }
  for (const [way, [ofSum, ofOutput]] of most)
    console.log(
      `| ${way} | ${layers.length} | ${ofSum.toExponential(1)} | ${ofOutput.toExponential(1)} |`,
    )
}

/** The class by two rounds of four, each layer a share of its own. */
async function classOf(stem, rounded, sent) {
  let x = stem
  for (const group of [
    [0, 2, 4, 6],
    [1, 3, 5, 7],
  ]) {
    const sums = []
    for (const layer of group) sums.push(sent(await sumOf([layer], x, rounded)).data)
    x = float16(sums.reduce((y, sum) => added(y, sum), x))
  }
  return argmax((await engine.run('head', x, 0)).data)
}
const changed = {}
for (const stem of stems) {
  const truth = await classOf(
    stem,
    (y) => y,
    (sum) => sum,
  )
  for (const [way, [rounded, sent]] of Object.entries(WAYS))
    changed[way] = (changed[way] ?? 0) + ((await classOf(stem, rounded, sent)) === truth ? 0 : 1)
}
console.log(`\nclasses that change of ${stems.length}: ${JSON.stringify(changed)}\n`)
await engine.close()

/** A layer with random weights, by its primitives: the same work as one of the model's. */
function layer(graph, x, { width: c, heads: h, hidden: f }) {
  const w = (...dims) =>
    graph.constant(
      Float32Array.from(
        { length: dims.reduce((a, b) => a * b, 1) },
        () => (Math.random() - 0.5) / 8,
      ),
      dims,
    )
  const norm = (y) =>
    graph.op('LayerNormalization', [y, w(c), w(c)], { axis: -1, epsilon: { float: 1e-6 } })
  const linear = (y, from, to) => graph.op('Add', [graph.op('MatMul', [y, w(from, to)]), w(to)])
  const split = (y, perm) =>
    graph.op(
      'Transpose',
      [graph.op('Reshape', [linear(y, c, c), graph.integers([0, 0, h, c / h])])],
      { perm },
    )
  const n = norm(x)
  const scores = graph.op('MatMul', [split(n, [0, 2, 1, 3]), split(n, [0, 2, 3, 1])])
  const mixed = graph.op('MatMul', [
    graph.op('Softmax', [scores], { axis: -1 }),
    split(n, [0, 2, 1, 3]),
  ])
  const merged = graph.op('Reshape', [
    graph.op('Transpose', [mixed], { perm: [0, 2, 1, 3] }),
    graph.integers([0, 0, c]),
  ])
  const y = graph.op('Add', [x, linear(merged, c, c)])
  return graph.op('Add', [y, linear(graph.op('Gelu', [linear(norm(y), c, f)]), f, c)])
}

async function session(of, count) {
  const graph = createGraph('share')
  const x = graph.input('x', [1, of.tokens, of.width])
  const outputs = Array.from({ length: count }, () => layer(graph, x, of))
  // n outputs less n − 1 times the input: the input with the sum of the updates.
  let y = outputs[0]
  for (const one of outputs.slice(1)) y = graph.op('Add', [y, graph.op('Sub', [one, x])])
  graph.output('y', y, [1, of.tokens, of.width])
  return ort.InferenceSession.create(graph.serialize(), { executionProviders: ['wasm'] })
}

ort.env.wasm.numThreads = 1
const SIZES = [
  ['50 x 64', { tokens: 50, width: 64, heads: 4, hidden: 128 }, values.runs],
  ['197 x 192', { tokens: 197, width: 192, heads: 3, hidden: 768 }, Math.ceil(values.runs / 6)],
]
console.log('| tokens x width | four runs, ms | one graph, ms |\n|---|--:|--:|')
for (const [name, of, runs] of SIZES) {
  const single = []
  for (let i = 0; i < 4; i++) single.push(await session(of, 1))
  const one = await session(of, 4)
  const data = Float32Array.from({ length: of.tokens * of.width }, () => Math.random())
  const run = async (on) => {
    const { y } = await on.run({
      x: new ort.Tensor('float32', data.slice(), [1, of.tokens, of.width]),
    })
    return y.data.slice()
  }
  const cpuMs = () => process.cpuUsage().user / 1_000 + process.cpuUsage().system / 1_000
  const times = [0, 0]
  for (let i = 0; i < runs + 3; i++) {
    const a = cpuMs()
    for (const on of single) await run(on)
    const b = cpuMs()
    await run(one)
    if (i < 3) continue
    times[0] += b - a
    times[1] += cpuMs() - b
  }
  console.log(`| ${name} | ${(times[0] / runs).toFixed(2)} | ${(times[1] / runs).toFixed(2)} |`)
}
