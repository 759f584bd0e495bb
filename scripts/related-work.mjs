// Ideas beside LayerShuffle, each a section of docs/results.md: layers that share their weights
// (shared), a small network at the logits of the shipped model (mended), low-rank cores (cores).
// Trains the recipes related-*.json that an idea needs, one after the other, then measures.
// Trainings that are done are not repeated and interrupted ones go on where they were.
//
//   node scripts/related-work.mjs [shared|mended|cores]… [--runs DIR] [--results FILE] [--data DIR]
//     [--recipes DIR] [--answers N] [--images N]
//
// --answers: training images whose answers the small network learns from; --images: test images.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { parseManifest, parseModelSpec, splitCheckpoint } from '@layerswarm/model'
import {
  coreSection,
  FASHION_MNIST_DIR,
  loadDataset,
  measureCores,
  measureMending,
  measureShared,
  mendedSection,
  readRecipe,
  sharedSection,
  sliceImages,
  writeSection,
} from '@layerswarm/trainer'
import { isTrained, startLayerswarm, trainingWords } from './trainings.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))

/** In the order of the page. */
const IDEAS = ['mended', 'shared', 'cores']

function fail(message) {
  process.stderr.write(`related-work: ${message}\n`)
  process.exit(1)
}

function readWords() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        runs: { type: 'string', default: 'runs/related' },
        results: { type: 'string', default: 'docs/results.md' },
        data: { type: 'string', default: FASHION_MNIST_DIR },
        recipes: { type: 'string', default: join(root, 'packages/trainer/recipes') },
        answers: { type: 'string', default: '10000' },
        images: { type: 'string', default: '10000' },
      },
    })
  } catch (error) {
    return fail(error.message)
  }
}

const { values, positionals } = readWords()
const [answers, images] = ['answers', 'images'].map((name) => {
  const count = Number(values[name])
  return Number.isInteger(count) && count > 0
    ? count
    : fail(`--${name} must be a whole number such as 10000, not "${values[name]}"`)
})

const chosen = positionals.length === 0 ? IDEAS : positionals
const unknown = chosen.find((idea) => !IDEAS.includes(idea))
if (unknown !== undefined) fail(`there is no "${unknown}"; there are ${IDEAS.join(', ')}`)

let running
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    if (running === undefined) process.exit(130)
    running.kill('SIGINT')
  })
}

/** One training by a recipe, in a folder of its own. */
async function train(file, folder) {
  const words = trainingWords(file, folder, ['--data', values.data])
  const { child, ended } = startLayerswarm(words, 'inherit')
  running = child
  await ended.finally(() => {
    running = undefined
  })
}

/** The training of a recipe, which is made unless it is there. */
async function trained(name) {
  const file = join(values.recipes, `${name}.json`)
  const folder = join(values.runs, name)
  const recipe = await readRecipe(file)
  if (!isTrained(folder)) await train(file, folder)
  const made = await readRecipe(join(folder, 'recipe.json'))
  if (JSON.stringify(made) !== JSON.stringify(recipe)) {
    throw new Error(`${folder} was trained by another recipe than ${file}; name another --runs`)
  }
  const report = JSON.parse(readFileSync(join(folder, 'report.json'), 'utf8'))
  const spec = parseModelSpec(report.spec)
  const { imagesSeen, seed, cpuSeconds, preprocessing } = report
  return {
    ...{ name, spec, recipe, preprocessing },
    parts: splitCheckpoint(readFileSync(join(folder, 'model.safetensors')), spec),
    training: { images: imagesSeen, seed, cpuSeconds },
  }
}

/** A release that ships. */
function shipped(name) {
  const folder = join(root, 'models', name)
  const { spec, preprocessing, parts } = parseManifest(readFileSync(join(folder, 'manifest.json')))
  const files = parts.map(({ part, sha256 }) => {
    return [part, readFileSync(join(folder, 'parts', `${sha256}.safetensors`))]
  })
  return { name, spec, preprocessing, parts: new Map(files) }
}

const dataset = await loadDataset(values.data).catch((error) => fail(error.message))
const first = (split, count, { preprocessing }) => ({
  preprocessing: { ...preprocessing, size: dataset.imageSize, channels: dataset.channels },
  images: sliceImages(split, 0, Math.min(count, split.count)),
})
const testOf = (model) => first(dataset.test, images, model)
const options = {
  onProgress({ name, done, of }) {
    if (done % 10 === 0 || done === of) process.stderr.write(`${name}: ${done} of ${of} batches\n`)
  },
}

const sections = {
  async mended(made) {
    const model = shipped('fashion-vit')
    const learnt = first(dataset.train, answers, model)
    return mendedSection(await measureMending(model, learnt, testOf(model), options), made)
  },
  async shared(made) {
    const models = [await trained('related-shuffle'), await trained('related-shared')]
    return sharedSection(await measureShared(models, testOf(models[0]), options), made)
  },
  async cores(made) {
    const models = [await trained('related-shuffle'), await trained('related-core')]
    const rank = models[1].recipe.coreRank
    return coreSection(await measureCores(models, rank, testOf(models[0]), options), made)
  },
}

try {
  for (const idea of chosen) {
    const section = await sections[idea](`node scripts/related-work.mjs ${idea}`)
    await writeSection(values.results, section)
  }
} catch (error) {
  fail(error.message)
}
