import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { parseManifest } from '@layerswarm/model'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { vectors } from '../support/make-release.ts'
import { grayPng } from '../support/pictures.ts'
import { type RunningSwarm, startService } from '../support/run-command.ts'
import { writeSampleData } from '../support/training-data.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const bin = join(root, 'apps/cli/bin/layerswarm.js')
const recipes = 'packages/trainer/recipes'
const doc = await readFile(join(root, 'docs/training.md'), 'utf8')
const blocks = [...doc.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block = '']) => block)

/** `npx layerswarm` as it was built; Fashion-MNIST lies in `data` where no data are named. Scripts take one seed. */
const PRELUDE = `
npx() {
  shift
  case "$1 $*" in
    train\\ *--data*|evaluate\\ *--data*) ;;
    train\\ *|evaluate\\ *|publish\\ *--rounds*|publish\\ *--layer-files*) set -- "$@" --data data ;;
  esac
  "${process.execPath}" "${bin}" "$@"
}
node() {
  script="$1"; shift
  case "$script" in *paper-table*) set -- --seeds 1 "$@" ;; esac
  "${process.execPath}" "${root}/$script" --recipes ${recipes} --data data "$@"
}
`
/** The longest block starts seven processes, one after the other, on a machine that may be busy. */
const BLOCK_MS_MAX = 240_000
/** Recipes of the document: few images, small shapes. */
const FEW = { images: 128, batch: 32, warmupSteps: 1, width: 32, mlpWidth: 64 }
const PICTURES = { ...FEW, images: 16, batch: 8, patchSize: 7, layers: 4 }

let place = ''
let server: RunningSwarm | undefined
const at = (...names: string[]): string => join(place, ...names)

beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), 'layerswarm-doc-'))
  await writeSampleData(at('data'))
  await mkdir(at(recipes), { recursive: true })
  for (const name of await readdir(join(root, recipes))) await writeRecipe(name, recipes, FEW)
  // What begins with a release has its shape.
  const { images, batch, warmupSteps } = FEW
  for (const name of ['fashion-vit-rounds.json', 'fashion-vit-rounds-2.json'])
    await writeRecipe(name, recipes, { images, batch, warmupSteps })
  await cp(join(root, 'models'), at('models'), { recursive: true })
  await writeRecipe('my-recipe.json', '.', { ...PICTURES, keptPatches: 16 })
  await writeRecipe('cifar.json', '.', { ...PICTURES, patchSize: 8, keptPatches: 16 })
  for (const label of ['cat', 'dog']) await writePictures(at('pictures', label))
  await cp(join(vectors, 'vit-shuffle'), at('downloads/vit'), { recursive: true })
  await cp(join(vectors, 'vit-shuffle'), at('downloads/vit-base'), { recursive: true })
  await forgetVariant(at('downloads/vit-base/config.json'))
  await writeCifar(at('cifar-10'))
  await writeFile(at('upload.token'), 'correct-horse-battery\n')
})
afterAll(async () => {
  await server?.end('SIGTERM')
  await rm(place, { recursive: true, force: true })
})

/** A recipe that ships, changed; those that do not ship start from that of the shipped model. */
async function writeRecipe(name: string, folder: string, changes: object): Promise<void> {
  const from = folder === recipes ? name : 'fashion-vit.json'
  const recipe = JSON.parse(await readFile(join(root, recipes, from), 'utf8')) as object
  await writeFile(at(folder, name), JSON.stringify({ ...recipe, ...changes }))
}

/** A checkpoint as others publish it: its config knows nothing of orders. */
async function forgetVariant(path: string): Promise<void> {
  const { layershuffle_variant: _, ...config } = JSON.parse(await readFile(path, 'utf8'))
  await writeFile(path, JSON.stringify(config))
}

async function writePictures(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  const png = await grayPng()
  for (let i = 0; i < 20; i++) await writeFile(join(folder, `${i}.png`), png)
}

/** CIFAR-10 of a few images, and the list by which it would be fetched. */
async function writeCifar(folder: string): Promise<void> {
  await mkdir(folder)
  const names = [1, 2, 3, 4, 5].map((batch) => `data_batch_${batch}.bin`)
  const files = new Map<string, Uint8Array>()
  for (const name of [...names, 'test_batch.bin']) {
    const images = Array.from({ length: 4 }, (_, image) => {
      return Uint8Array.from({ length: 3073 }, (_, i) => (i === 0 ? image : (i * 7 + image) % 256))
    })
    files.set(name, Buffer.concat(images))
  }
  files.set('batches.meta.txt', Buffer.from(`${'abcdefghij'.split('').join('\n')}\n`))
  for (const [name, bytes] of files) await writeFile(join(folder, name), bytes)
  const sources = [...files].map(([name, bytes]) => ({
    name,
    url: `http://127.0.0.1/${name}`,
    sha256: createHash('sha256').update(bytes).digest('hex'),
  }))
  await writeFile(at('cifar-10.json'), JSON.stringify({ files: sources }))
}

async function runBlock(block: string): Promise<void> {
  if (block.includes('layerswarm signaling')) {
    const words = block.replace('--port 9000', '--port 0').trim().split(' ').slice(2)
    const places = ['server-data', 'models/mine', 'upload.token']
    server = await startService(...words.map((word) => (places.includes(word) ? at(word) : word)))
    return
  }
  const script = block.replaceAll('http://127.0.0.1:9000', server?.url ?? 'no server')
  await promisify(execFile)('sh', ['-e', '-c', `${PRELUDE}${script}`], { cwd: place })
}

async function standIn(folder: string): Promise<void> {
  await rm(at(folder), { recursive: true })
  const shipped = 'models/fashion-vit'
  await runBlock(`npx layerswarm merge ${shipped} ${shipped} --out ${folder}`)
}

/** What must be there after a block that holds these words. */
const OUTCOMES: readonly (readonly [words: string, check: () => Promise<void>])[] = [
  ['--out runs/mine\n', () => expectFiles('runs/mine', 'train-report.html')],
  ['--report', () => expectFiles('reports/mine', 'report.html')],
  ['paper-table', () => expectFiles('docs/figures', 'results-layers-any-order.svg')],
  ['related-work', () => expectSections('docs/results.md', ['mended', 'shared', 'cores'])],
  ['publish runs/mine', () => expectFiles('models/mine', 'manifest.json')],
  ['publish runs/vit-base', () => expectVariant('models/vit-base', 'sequential')],
  ['publish runs/vit-any', () => expectVariant('models/vit-any', 'shuffle')],
  ['publish runs/rounds', () => expectRounds('models/rounds', ['1+1+1+1+1+1+1+1', '4+4', '8'])],
  ['--layer-files', () => expectKinds('models/small', ['int8', 'int4'])],
  [
    'publish runs/merged',
    async () => {
      const answer = await fetch(`${server?.url}/bootstrap.json`)
      const { releases } = (await answer.json()) as { releases: object[] }
      expect(releases).toHaveLength(2)
    },
  ],
]

async function expectFiles(folder: string, name: string): Promise<void> {
  expect(await readdir(at(folder))).toContain(name)
}

async function expectSections(file: string, ideas: readonly string[]): Promise<void> {
  const lines = (await readFile(at(file), 'utf8')).split('\n')
  const made = lines.filter((line) => line.startsWith('node scripts/related-work.mjs'))
  expect(made).toEqual(ideas.map((idea) => `node scripts/related-work.mjs ${idea}`))
}

async function expectVariant(folder: string, variant: string): Promise<void> {
  const { spec } = JSON.parse(await readFile(at(folder, 'manifest.json'), 'utf8'))
  expect(spec.variant).toBe(variant)
}

async function expectRounds(folder: string, groupings: readonly string[]): Promise<void> {
  const manifest = parseManifest(await readFile(at(folder, 'manifest.json')))
  expect(Object.keys(manifest.rounds ?? {}).toSorted()).toEqual(groupings)
}

async function expectKinds(folder: string, kinds: readonly string[]): Promise<void> {
  const { layerFiles } = parseManifest(await readFile(at(folder, 'manifest.json')))
  expect(layerFiles?.map(({ dtype }) => dtype)).toEqual(kinds)
}

describe('the document about training', () => {
  test('shows the fields of a recipe', async () => {
    const recipe = JSON.parse(
      await readFile(join(root, recipes, 'fashion-vit-rounds.json'), 'utf8'),
    )
    for (const field of Object.keys(recipe)) expect(doc).toContain(`\`${field}\``)
  })

  test.each(blocks.map((block) => [block.trim(), block]))(
    '%s',
    async (_, block) => {
      // The document does not repeat how a second training is made.
      if (block.includes('merge')) await cp(at('runs/mine'), at('runs/mine-2'), { recursive: true })
      // What four steps have trained is not fit for int4: the shipped model stands in for a whole training.
      if (block.includes('--layer-files')) await standIn('runs/mine')
      await runBlock(block)
      for (const [words, check] of OUTCOMES) if (block.includes(words)) await check()
    },
    BLOCK_MS_MAX,
  )
})
