// The table of all variants and baselines: trains every recipe paper-*.json with every seed, as many
// at a time as there are processors, then measures them side by side. Trainings that are done are
// not repeated and interrupted ones go on where they were.
//
//   node scripts/paper-table.mjs [--seeds 1,2] [--recipes DIR] [--runs DIR] [--results FILE] [--data DIR]
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { isTrained, startLayerswarm, trainingWords } from './trainings.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))

function fail(message) {
  process.stderr.write(`paper-table: ${message}\n`)
  process.exit(1)
}

function readWords() {
  try {
    return parseArgs({
      options: {
        seeds: { type: 'string', default: '1,2' },
        recipes: { type: 'string', default: join(root, 'packages/trainer/recipes') },
        runs: { type: 'string', default: 'runs/paper' },
        results: { type: 'string', default: 'docs/results.md' },
        data: { type: 'string' },
      },
    })
  } catch (error) {
    return fail(error.message)
  }
}

const { values } = readWords()
const data = values.data === undefined ? [] : ['--data', values.data]
const seeds = values.seeds.split(',').map(Number)
if (seeds.length === 0 || seeds.some((seed) => !Number.isInteger(seed) || seed < 0)) {
  fail(`--seeds must be whole numbers such as 1,2, not "${values.seeds}"`)
}

const running = new Set()
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    for (const child of running) child.kill('SIGINT')
  })
}

/** Runs the layerswarm command; its last lines explain a failure. */
async function layerswarm(words, onLine) {
  const { child, ended } = startLayerswarm(words, 'pipe')
  running.add(child)
  child.stderr.setEncoding('utf8').on('data', (text) => {
    for (const line of text.split('\n').filter((one) => one !== '')) onLine(line)
  })
  await ended.finally(() => running.delete(child))
}

/** One training by a recipe with a seed of its own, in a folder of its own. */
async function train({ name, recipe, folder }) {
  if (isTrained(folder)) return
  const file = join(folder, 'wanted.json')
  mkdirSync(folder, { recursive: true })
  writeFileSync(file, `${JSON.stringify(recipe, null, 2)}\n`)
  await layerswarm(trainingWords(file, folder, data), (line) =>
    process.stderr.write(`${name}: ${line}\n`),
  )
}

function readRecipes() {
  try {
    return readdirSync(values.recipes)
      .filter((file) => /^paper-.*\.json$/.test(file))
      .map((file) => JSON.parse(readFileSync(join(values.recipes, file), 'utf8')))
  } catch (error) {
    return fail(`the recipes of ${values.recipes} cannot be read: ${error.message}`)
  }
}

const recipes = readRecipes()
if (recipes.length === 0) fail(`${values.recipes} holds no paper-*.json`)
const trainings = seeds.flatMap((seed) =>
  recipes.map((recipe) => {
    const name = seed === seeds[0] ? recipe.name : `${recipe.name}-${seed}`
    return { name, recipe: { ...recipe, name, seed }, folder: join(values.runs, name) }
  }),
)

const waiting = [...trainings]
async function work() {
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await train(next)
}

try {
  await Promise.all(Array.from({ length: availableParallelism() }, work))
  const folders = trainings.map(({ folder }) => folder)
  await layerswarm(['evaluate', ...folders, '--results', values.results, ...data], (line) =>
    process.stderr.write(`${line}\n`),
  )
} catch (error) {
  fail(error.message)
}
