// Compares the gradients of a training step, for every parameter of every variant, with those that
// PyTorch computes in float64. Needs `npm run build` and Debian's package python3-torch.
//
//   node packages/trainer/scripts/check-gradients.mjs
import { createCpuEngine } from '../dist/engine/cpu-engine.js'
import { layoutOf } from '../dist/parameters.js'
import { createRandom } from '../dist/random.js'
import { createTrainSession } from '../dist/sessions.js'
import { openTorch } from '../dist/torch.js'

const BATCH = 4
/** Largest difference of a gradient beside the largest of its tensor: float32 against float64. */
const TOLERANCE = 1e-4

const sizes = {
  imageSize: 12,
  patchSize: 4,
  channels: 1,
  width: 24,
  layers: 4,
  heads: 3,
  mlpWidth: 40,
  classes: 7,
  layerNormEps: 1e-6,
}
const CASES = [
  ['shuffle', [2, 0, 3, 1]],
  ['position', [3, 1, 0, 2]],
  ['predict', [1, 3, 2, 0]],
  ['sequential', [0, 1, 2, 3]],
  ['layerdrop', [0, 3]],
]

const torch = await openTorch(1)
if (torch === undefined) {
  process.stderr.write(
    'check-gradients: no python3 with PyTorch found; install the package python3-torch to compare\n',
  )
  process.exit(2)
}

let failed = false
for (const [variant, order] of CASES) {
  const { loss, worst, where } = await compare({ ...sizes, variant }, order)
  const isGood = loss < TOLERANCE && worst < TOLERANCE
  failed ||= !isGood
  const verdict = isGood ? 'agrees' : 'DIFFERS'
  process.stdout.write(
    `${variant}: ${verdict}; loss ${loss.toExponential(1)}, worst gradient ${worst.toExponential(1)} (${where}), relative\n`,
  )
}
await torch.close()
process.exitCode = failed ? 1 : 0

async function compare(spec, order) {
  const layout = layoutOf(spec)
  const random = createRandom(5, spec.variant)
  const parameters = Float32Array.from({ length: layout.elements }, () => random.gaussian() * 0.4)
  const session = createTrainSession(createCpuEngine(1), spec, BATCH, parameters)
  session.patches.forEach((_, at) => {
    session.patches[at] = random.gaussian()
  })
  session.targets.forEach((_, at) => {
    session.targets[at] = at % spec.classes === (at * 3) % 5 ? 0.8 : 0.2 / (spec.classes - 1)
  })
  const loss = await session.run(order)
  const ran = ({ part }) => typeof part !== 'number' || order.includes(part)
  const tensors = {}
  for (const { part, tensors: own } of layout.parts.filter(ran)) {
    for (const { name, shape, offset, elements } of own) {
      const data = Array.from(parameters.subarray(offset, offset + elements))
      tensors[`${part}.${name}`] = { shape, data }
    }
  }
  const pixels = spec.channels * spec.patchSize ** 2
  const expected = await torch.ask({
    do: 'gradients',
    spec,
    order,
    tensors,
    patches: { shape: [-1, pixels], data: Array.from(session.patches) },
    targets: { shape: [BATCH, spec.classes], data: Array.from(session.targets) },
  })
  let worst = 0
  let where = ''
  for (const { part, tensors: own } of layout.parts.filter(ran)) {
    const slot = typeof part === 'number' ? order.indexOf(part) : part
    const from = layout.parts.find((one) => one.part === slot).tensors
    own.forEach(({ name, elements }, index) => {
      const { offset } = from[index]
      const reference = expected.gradients[`${part}.${name}`]
      // A shift of all keys changes nothing, so the gradient of their bias is rounding alone.
      const scale = Math.max(...reference.map(Math.abs), 1e-3)
      for (let i = 0; i < elements; i++) {
        const difference = Math.abs(session.gradients[offset + i] - reference[i]) / scale
        if (!(difference <= worst)) {
          worst = difference
          where = `${part}.${name}[${i}]`
        }
      }
    })
  }
  await session.close()
  return { loss: Math.abs(loss - expected.loss) / expected.loss, worst, where }
}
