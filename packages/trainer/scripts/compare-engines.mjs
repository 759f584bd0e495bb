// Trains a tiny model for a few steps on every engine of this machine and shows the losses, the
// tensors that the engine on WebGPU holds after each step, and the memory of the process after a
// fifth of the steps and at the end, MB. Needs `npm run build`.
//
//   node packages/trainer/scripts/compare-engines.mjs [--variant position] [--steps 5] [--cpu-only]
//
// The last line is JSON: {steps, cpu: {device, losses, tensors, memory}, webgpu: … or null}.
import { parseArgs } from 'node:util'
import { createOptimizerState } from '../dist/adamw.js'
import { createCpuEngine } from '../dist/engine/cpu-engine.js'
import { createWebgpuEngine, findAdapter, tensorsHeld } from '../dist/engine/webgpu-engine.js'
import { drawOrder } from '../dist/layer-order.js'
import { createOptimizer } from '../dist/optimizer.js'
import { initialParameters, layoutOf } from '../dist/parameters.js'
import { createRandom } from '../dist/random.js'
import { parseRecipe, specOf } from '../dist/recipe.js'
import { createTrainSession } from '../dist/sessions.js'

const { values } = parseArgs({
  options: {
    variant: { type: 'string', default: 'shuffle' },
    steps: { type: 'string', default: '5' },
    'cpu-only': { type: 'boolean', default: false },
  },
})
const LOSSES_SHOWN = 20
const steps = Number(values.steps)
const recipe = parseRecipe({
  name: 'tiny',
  variant: values.variant,
  patchSize: 4,
  width: 16,
  layers: 2,
  heads: 2,
  mlpWidth: 24,
  batch: 6,
  images: 6 * steps,
  optimizer: 'adamw',
  learningRate: 0.002,
  beta2: 0.98,
  weightDecay: 0.05,
  clip: 1,
  warmupSteps: 0,
  labelSmoothing: 0,
  ema: 0.9,
  shift: 0,
  flip: 0,
  erase: 0,
  keptPatches: 4,
  keptPatchesUntil: 0,
  seed: 3,
  threads: 1,
})
const spec = specOf(recipe, { imageSize: 8, channels: 1, labels: Array(5).fill('class') })

const cpu = await lossesOn(createCpuEngine(1))
const adapter = values['cpu-only'] ? undefined : await findAdapter()
if (adapter === undefined)
  process.stderr.write('compare-engines: without WebGPU, there is no adapter\n')
const webgpu = adapter === undefined ? null : await lossesOn(await createWebgpuEngine())
process.stdout.write(`${JSON.stringify({ steps, cpu, webgpu })}\n`)

/** Every engine is given the same weights, images and orders. */
async function lossesOn(engine) {
  const random = createRandom(recipe.seed, 'comparison')
  const layout = layoutOf(spec)
  const state = createOptimizerState(initialParameters(layout, random))
  const session = createTrainSession(engine, spec, recipe.batch, state.parameters)
  const optimizer = await createOptimizer(recipe, layout, state)
  const losses = []
  const tensors = []
  const memory = []
  for (let step = 1; step <= steps; step++) {
    session.patches.forEach((_, at) => {
      session.patches[at] = random.gaussian()
    })
    session.targets.fill(0)
    for (let row = 0; row < recipe.batch; row++) {
      session.targets[row * spec.classes + random.below(spec.classes)] = 1
    }
    const order = drawOrder(spec, random)
    losses.push(await session.run(order))
    await optimizer.step(session.gradients, order, step)
    if (engine.name === 'webgpu' && step <= LOSSES_SHOWN) tensors.push(tensorsHeld())
    if (step === Math.ceil(steps / 5) || step === steps) memory.push(megabytesHeld())
  }
  await session.close()
  await optimizer.close()
  await engine.close()
  return { device: engine.device, losses: losses.slice(0, LOSSES_SHOWN), tensors, memory }
}

/** Of this process; `node --expose-gc` leaves garbage out. */
function megabytesHeld() {
  globalThis.gc?.()
  return Math.round(process.memoryUsage.rss() / 1e6)
}
