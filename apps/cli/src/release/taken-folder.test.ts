import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { joinCheckpoint, type Part, parseModelSpec, randomModel } from '@layerswarm/model'
import { writeMadeModel } from '@layerswarm/trainer'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { COMMANDS } from '../commands/index.ts'
import { runLine } from '../line/run-line.ts'

const spec = parseModelSpec({
  ...{ variant: 'shuffle', layers: 2, imageSize: 8, patchSize: 4, channels: 1, width: 8 },
  ...{ heads: 2, mlpWidth: 16, classes: 2, layerNormEps: 1e-6 },
})
const preprocessing = { size: 8, channels: 1, mean: [0.5], std: [0.5], foreground: 'any' } as const
const recipe = {
  ...{
    name: 'tiny',
    variant: 'shuffle',
    patchSize: 4,
    width: 8,
    layers: 2,
    heads: 2,
    mlpWidth: 16,
  },
  ...{ batch: 8, images: 8, optimizer: 'adamw', learningRate: 0.001, beta2: 0.9, weightDecay: 0 },
  ...{ clip: 1, warmupSteps: 0, labelSmoothing: 0, ema: 0, shift: 0, flip: 0, erase: 0 },
  ...{ keptPatches: 4, keptPatchesUntil: 0, seed: 1, threads: 1 },
}

let scratch = ''
const at = (...names: string[]): string => join(scratch, ...names)

beforeEach(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'taken-'))
  await writeFile(at('recipe.json'), JSON.stringify(recipe))
})
afterEach(() => rm(scratch, { recursive: true }))

async function run(...words: string[]): Promise<[code: number, stderr: string]> {
  let said = ''
  const code = await runLine(
    {
      commands: COMMANDS,
      version: '1.2.3',
      signal: new AbortController().signal,
      whenCutOff: () => {},
      stdout: () => undefined,
      stderr: (text) => {
        said += text
      },
      columns: () => undefined,
    },
    words,
  )
  return [code, said]
}

/** A model as an import leaves it. */
async function makeModel(
  folder: string,
  name: string,
  { seed = 1, labels = ['cat', 'dog'] } = {},
): Promise<void> {
  const parts: ReadonlyMap<Part, Uint8Array> = randomModel(spec, seed)
  const made = { name, spec, parts, preprocessing, labels, isBackbone: false }
  await writeMadeModel(folder, { ...made, seed, imagesSeen: 0, recipe: {} })
}

async function makeTraining(folder: string): Promise<void> {
  await makeModel(folder, 'trained')
  await writeFile(join(folder, 'checkpoint.safetensors'), 'state')
}

async function makeCheckpoint(folder: string): Promise<void> {
  await mkdir(folder)
  await writeFile(join(folder, 'model.safetensors'), joinCheckpoint(spec, randomModel(spec, 3)))
  const config = {
    ...{ model_type: 'vit', hidden_size: 8, num_hidden_layers: 2, num_attention_heads: 2 },
    ...{ intermediate_size: 16, layer_norm_eps: 1e-6, image_size: 8, patch_size: 4 },
    ...{ num_channels: 1, layershuffle_variant: 'shuffle' },
  }
  await writeFile(join(folder, 'config.json'), JSON.stringify(config))
}

/** The bytes of every file in a folder. */
async function contents(folder: string): Promise<Record<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile())
  const paths = files.map(({ parentPath, name }) => join(parentPath, name))
  const pairs = paths.map(async (path) => [path, await readFile(path, 'base64')] as const)
  return Object.fromEntries(await Promise.all(pairs))
}

const publish = (from: string, to: string, ...more: string[]) =>
  run('publish', at(from), '--out', at(to), '--key', at('key'), ...more)

/** Everything that writes a model, a release or a report. */
const WRITERS: readonly (readonly [string, (out: string) => readonly string[]])[] = [
  ['train', (out) => ['train', at('recipe.json'), '--data', at('data'), '--out', out]],
  ['import', (out) => ['import', at('checkpoint'), '--out', out]],
  ['merge', (out) => ['merge', at('a'), at('b'), '--out', out]],
  ['publish', (out) => ['publish', at('a'), '--key', at('key'), '--out', out]],
  ['evaluate', (out) => ['evaluate', at('a'), '--data', at('data'), '--report', out]],
  ['simulate', (out) => ['simulate', 'calm', '--report', out]],
]

describe('a folder that holds something is not written over', () => {
  beforeEach(async () => {
    await makeModel(at('a'), 'a')
    await makeModel(at('b'), 'b', { seed: 2 })
    await makeCheckpoint(at('checkpoint'))
    await makeModel(at('imported'), 'imported')
    await makeTraining(at('finished'))
    await mkdir(at('begun'))
    await writeFile(at('begun', 'checkpoint.safetensors'), 'state')
    await mkdir(at('shards'))
    await writeFile(at('shards', 'model-00001-of-00002.safetensors'), 'weights')
    expect(await publish('imported', 'release')).toEqual([0, expect.anything()])
  })

  test.each(WRITERS)('by %s', async (_name, words) => {
    const held = [
      ['imported', 'another model already (model.safetensors)'],
      ['checkpoint', 'another model already (config.json)'],
      ['shards', 'another model already (model-00001-of-00002.safetensors)'],
      ['finished', 'a finished training already (checkpoint.safetensors)'],
      ['begun', 'a training that is not finished (checkpoint.safetensors)'],
      ['release', /(a|the) release (of another model )?already \((manifest\.json|imported)\)/],
    ] as const
    for (const [name, what] of held) {
      const before = await contents(at(name))
      const [code, said] = await run(...words(at(name)))
      expect(code, said).toBe(1)
      expect(said.trimEnd().split('\n')).toHaveLength(1)
      expect(said).toContain(`layerswarm: ${at(name)} holds `)
      expect(said).toMatch(what)
      expect(said).toMatch(/choose another folder with --(out|report)$/m)
      expect(await contents(at(name))).toEqual(before)
    }
  })

  test('and a training that was stopped is gone on with, by --resume and nothing else', async () => {
    const words = ['train', at('recipe.json'), '--data', at('none'), '--out']
    const [, begun] = await run(...words, at('begun'))
    expect(begun).toMatch(
      /; go on with: layerswarm train RECIPE --out .*begun --resume, with --data, --size, --from and --teacher as they were given when it began, or choose another folder/,
    )
    for (const name of ['begun', 'finished']) {
      const [code, said] = await run(...words, at(name), '--resume')
      expect([code, said]).toEqual([1, expect.stringContaining('none, which is not there')])
    }
    for (const name of ['imported', 'release']) {
      const [, said] = await run(...words, at(name), '--resume')
      expect(said).toMatch(/holds (another model|a release) already/)
    }
  })
})

describe('a release is replaced', () => {
  beforeEach(async () => {
    await makeModel(at('a'), 'a')
    expect(await publish('a', 'release')).toEqual([0, expect.anything()])
  })

  test('by the same model, signed anew or under another name, also from its own folder', async () => {
    expect((await publish('a', 'release', '--dtype', 'float16'))[0]).toBe(0)
    expect((await publish('release', 'release'))[0]).toBe(0)
    expect((await publish('release', 'release', '--name', 'renamed'))[0]).toBe(0)
  })

  test('by a later training of its name and classes', async () => {
    await makeModel(at('later'), 'a', { seed: 2 })
    expect((await publish('later', 'release'))[0]).toBe(0)
  })

  test('by no other model, and not where its manifest cannot be read', async () => {
    await makeModel(at('other'), 'other', { seed: 2 })
    await makeModel(at('alike'), 'a', { seed: 2, labels: ['red', 'blue'] })
    const before = await contents(at('release'))
    expect((await publish('other', 'release'))[1]).toMatch(
      /release holds the release of another model already \(a\); choose another folder with --out$/m,
    )
    expect((await publish('alike', 'release'))[1]).toMatch(
      /already \(a, of other classes\); choose/,
    )
    expect(await contents(at('release'))).toEqual(before)
    await writeFile(at('release', 'manifest.json'), '{')
    expect((await publish('a', 'release'))[1]).toMatch(/holds a release that cannot be read/)
  })

  test('and may lie beside the model that it is made of', async () => {
    await symlink(at('a'), at('link'))
    expect((await publish('a', 'link'))[0]).toBe(0)
    expect(await readdir(at('a'))).toContain('manifest.json')
  })
})
