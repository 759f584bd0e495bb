// The section "Related work" of docs/results.md: trains every recipe related-*.json, one after the
// other, then measures layers that are shared, small networks at the logits, and low-rank cores.
// Trainings that are done are not repeated and interrupted ones go on where they were.
//
//   node scripts/related-work.mjs [--runs DIR] [--results FILE] [--data DIR] [--recipes DIR] [--answers N] [--images N]
//
// --answers: training images whose answers the small networks learn from; --images: test images.
import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { parseModelSpec, splitCheckpoint } from '@layerswarm/model'
import {
  FASHION_MNIST_DIR,
  loadDataset,
  measureRelatedWork,
  readRecipe,
  sliceImages,
  writeRelatedWork,
} from '@layerswarm/trainer'

const root = fileURLToPath(new URL('..', import.meta.url))
const command = join(root, 'apps/cli/bin/layerswarm.js')
const names = {
  plain: 'related-shuffle',
  shared: ['related-shared-2', 'related-shared-1'],
  cored: 'related-core',
}

function fail(message) {
  process.stderr.write(`related-work: ${message}\n`)
  process.exit(1)
}

function readWords() {
  try {
    return parseArgs({
      options: {
        runs: { type: 'string', default: 'runs/related' },
        results: { type: 'string', default: 'docs/results.md' },
        data: { type: 'string', default: FASHION_MNIST_DIR },
        recipes: { type: 'string', default: join(root, 'packages/trainer/recipes') },
        answers: { type: 'string', default: '10000' },
        images: { type: 'string', default: '10000' },
      },
    }).values
  } catch (error) {
    return fail(error.message)
  }
}

const values = readWords()
const [answers, images] = ['answers', 'images'].map((name) => {
  const count = Number(values[name])
  return Number.isInteger(count) && count > 0
    ? count
    : fail(`--${name} must be a whole number such as 10000, not "${values[name]}"`)
})

let running
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => running?.kill('SIGINT'))

/** One training by a recipe, in a folder of its own. */
function train(file, folder) {
  const going = existsSync(join(folder, 'checkpoint.safetensors')) ? ['--resume'] : []
  const words = ['train', file, '--out', folder, '--threads', '1', '--data', values.data, ...going]
  return new Promise((resolve, reject) => {
    running = spawn(process.execPath, [command, ...words], {
      stdio: ['ignore', 'inherit', 'inherit'],
    })
    running.on('close', (code) => {
      if (code === 0) resolve()
      else reject(new Error(`layerswarm ${words.join(' ')} ended with ${code}`))
    })
  })
}

/** The training of a recipe, which is made unless it is there. */
async function trained(name) {
  const file = join(values.recipes, `${name}.json`)
  const folder = join(values.runs, name)
  const recipe = await readRecipe(file)
  if (!existsSync(join(folder, 'report.json'))) await train(file, folder)
  const made = await readRecipe(join(folder, 'recipe.json'))
  if (JSON.stringify(made) !== JSON.stringify(recipe)) {
    throw new Error(`${folder} was trained by another recipe than ${file}; name another --runs`)
  }
  const report = JSON.parse(readFileSync(join(folder, 'report.json'), 'utf8'))
  const spec = parseModelSpec(report.spec)
  const { imagesSeen, seed, cpuSeconds } = report
  return {
    ...{ name, spec, recipe, preprocessing: report.preprocessing },
    parts: splitCheckpoint(readFileSync(join(folder, 'model.safetensors')), spec),
    training: { images: imagesSeen, seed, cpuSeconds },
  }
}

try {
  const plain = await trained(names.plain)
  const shared = []
  for (const name of names.shared) shared.push(await trained(name))
  const cored = await trained(names.cored)
  const dataset = await loadDataset(values.data)
  const { imageSize: size, channels, train: all, test } = dataset
  const preprocessing = { ...plain.preprocessing, size, channels }
  const first = (split, count) => ({
    preprocessing,
    images: sliceImages(split, 0, Math.min(count, split.count)),
  })
  const models = { plain, shared, cored, coreRank: cored.recipe.coreRank }
  const work = await measureRelatedWork(models, first(all, answers), first(test, images), {
    onProgress: ({ name, done, of }) => {
      if (done % 10 === 0 || done === of) {
        process.stderr.write(`${name}: ${done} of ${of} batches\n`)
      }
    },
  })
  await writeRelatedWork(values.results, work, 'node scripts/related-work.mjs')
} catch (error) {
  fail(error.message)
}
