import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import {
  joinCheckpoint,
  parseModelSpec,
  randomModel,
  readSafetensors,
  type SafetensorsTensor,
  writeSafetensors,
} from '@layerswarm/model'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { readCheckpointFolder } from './checkpoint-folder.ts'
import { importFolder } from './import-folder.ts'
import { publishFolder } from './publish-folder.ts'
import { readModelFolder, readStartFolder } from './release-folder.ts'

const spec = parseModelSpec({
  ...{ variant: 'sequential', layers: 2, imageSize: 8, patchSize: 4, channels: 1, width: 8 },
  ...{ heads: 2, mlpWidth: 16, classes: 2, layerNormEps: 1e-6 },
})
const config = {
  ...{ model_type: 'vit', hidden_size: 8, num_hidden_layers: 2, num_attention_heads: 2 },
  ...{ intermediate_size: 16, layer_norm_eps: 1e-6, image_size: 8, patch_size: 4, num_channels: 1 },
}

let folder = ''
const at = (name: string): string => join(folder, name)

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'checkpoint-'))
  await writeFile(at('config.json'), JSON.stringify(config))
})
afterEach(() => rm(folder, { recursive: true }))

function tensors(): [string, SafetensorsTensor][] {
  const file = joinCheckpoint(spec, randomModel(spec, 1))
  return Object.entries(readSafetensors(file).tensors).map(
    ([name, { dtype, shape, offset, bytes }]) => [
      name,
      { dtype, shape, data: file.subarray(offset, offset + bytes) },
    ],
  )
}

async function writeWeights(name: string, some: readonly [string, SafetensorsTensor][]) {
  await writeFile(at(name), writeSafetensors(Object.fromEntries(some)))
}

const read = () => readCheckpointFolder(folder, false)

describe('a checkpoint in shards', () => {
  const first = 'model-00001-of-00002.safetensors'
  const second = 'model-00002-of-00002.safetensors'
  const index = (files: Record<string, unknown>): Promise<void> =>
    writeFile(at('model.safetensors.index.json'), JSON.stringify({ weight_map: files }))

  test('is read by its index, and without it by the names of the files', async () => {
    await writeWeights(first, tensors().slice(0, 7))
    await writeWeights(second, tensors().slice(7))
    const byNames = await read()
    await index({ a: first, b: second, c: first })
    const byIndex = await read()
    expect(byIndex.parts).toEqual(byNames.parts)
    expect(byIndex.parts.get(1)).toEqual(randomModel(spec, 1).get(1))
    expect(byIndex.labels).toEqual(['LABEL_0', 'LABEL_1'])
  })

  test('that are not all there, or have no names, is refused with those that lack', async () => {
    await writeWeights(second, tensors())
    await expect(read()).rejects.toThrow(`lacks 1 of the 2 files of its weights: ${first}`)
    await index({ a: 'x.safetensors', b: second, c: 'y.safetensors' })
    await expect(read()).rejects.toThrow(/lacks 2 of the 3 .*: x\.safetensors, y\.safetensors/)
    for (const wrong of ['../up.safetensors', 'a.bin', 7]) {
      await index({ a: second, b: wrong })
      await expect(read()).rejects.toThrow(/index\.json has no "weight_map"/)
    }
  })

  test('of which one is cut off is refused with its path', async () => {
    await writeWeights(first, tensors().slice(0, 7))
    await writeFile(at(second), writeSafetensors(Object.fromEntries(tensors())).subarray(0, 3000))
    await expect(read()).rejects.toThrow(/model-00002-of-00002\.safetensors: .*cut off/)
  })
})

describe('weights that are none', () => {
  test.each([
    [
      'version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n',
      /model\.safetensors: it is a Git LFS pointer/,
    ],
    ['<!doctype html><html><title>401</title></html>', /model\.safetensors: it is a web page/],
  ])('are called what they are', async (text, message) => {
    await writeFile(at('model.safetensors'), text)
    await expect(read()).rejects.toThrow(message)
    await writeWeights('model.safetensors', tensors())
    await writeFile(at('config.json'), text)
    await expect(read()).rejects.toThrow(/config\.json is not JSON: it is a/)
  })

  test.each([
    ['pytorch_model.bin', /pickles, which could run code/],
    ['pytorch_model.bin.index.json', /pickles/],
    ['adapter_model.safetensors', /adapter \(LoRA\) is no model/],
    ['best.safetensors', /rename it to model\.safetensors/],
    ['tf_model.h5', /read from safetensors only/],
    ['ViT-B_16.npz', /ViT-B_16\.npz: weights are read from safetensors only/],
    ['model.safetensors.gz', /model\.safetensors\.gz: an archive is not opened; unpack/],
    ['notes.txt', /model\.safetensors does not exist/],
  ])('are named: %s', async (name, message) => {
    await writeFile(at(name), 'weights')
    await expect(read()).rejects.toThrow(message)
  })
})

describe('a file that is empty or packed', () => {
  test('is called that, with what to do', async () => {
    await writeFile(at('model.safetensors'), '')
    await expect(read()).rejects.toThrow(/safetensors: it is empty; copy or download it again$/)
    await writeWeights('model.safetensors', tensors())
    const file = writeSafetensors(Object.fromEntries(tensors()))
    await writeFile(at('model.safetensors'), gzipSync(file))
    await expect(read()).rejects.toThrow(/model\.safetensors: it is packed with gzip: unpack it/)
    await writeFile(at('config.json'), '')
    await expect(read()).rejects.toThrow(/config\.json is empty, not JSON; copy or download it/)
  })
})

describe('a model that lies further below', () => {
  const importFrom = (from: string): Promise<unknown> =>
    importFolder(from, { out: at('out'), name: undefined, dropDistillation: false })
  const cached = 'models--google--vit'

  test('is named: a snapshot in the cache of the Hub, the current one', async () => {
    for (const revision of ['0a', '1b', '2c']) {
      await mkdir(at(`${cached}/snapshots/${revision}`), { recursive: true })
      await writeFile(at(`${cached}/snapshots/${revision}/config.json`), '{}')
    }
    await rm(at('config.json'))
    await expect(importFrom(at(cached))).rejects.toThrow(/lies in \S+snapshots\/0a: name that fold/)
    await mkdir(at(`${cached}/refs`))
    await writeFile(at(`${cached}/refs/main`), '1b')
    for (const from of [at(cached), folder]) {
      await expect(importFrom(from)).rejects.toThrow(/config\.json does not exist; a model lies in/)
      await expect(importFrom(from)).rejects.toThrow(
        /google--vit\/snapshots\/1b: name that folder$/,
      )
    }
    await expect(readStartFolder(folder)).rejects.toThrow(/holds neither .*; one lies in \S+\/1b:/)
  })

  test('is not looked for where there is none, and one of this project needs no import', async () => {
    await rm(at('config.json'))
    await expect(importFrom(folder)).rejects.toThrow(/config\.json does not exist$/)
    await writeFile(at('report.json'), '{}')
    await expect(importFrom(folder)).rejects.toThrow(/a model of Layerswarm, which needs no import/)
  })
})

describe('a backbone', () => {
  const bare = (): [string, SafetensorsTensor][] =>
    tensors().filter(([name]) => !name.startsWith('classifier.'))

  test('is imported as a start for a training, and as nothing else', async () => {
    await writeWeights('model.safetensors', bare())
    const out = at('out')
    const made = await importFolder(folder, { out, name: undefined, dropDistillation: false })
    expect(made.isBackbone).toBe(true)
    for (const one of [folder, out]) {
      expect(await readStartFolder(one)).toMatchObject({ isBackbone: true, labels: [] })
      await expect(readModelFolder(one)).rejects.toThrow(
        /is a backbone, without a classifier; layerswarm train/,
      )
    }
    const choice = {
      out: at('release'),
      key: at('key'),
      name: undefined,
      dtype: 'float32',
      target: undefined,
      rounds: [],
      layerFiles: [],
      mixesWith: [],
      data: undefined,
      signal: new AbortController().signal,
    } as const
    await expect(
      publishFolder(out, { ...choice, log: () => {}, progress: () => {} }),
    ).rejects.toThrow(/is a backbone/)
  })
})

test('a name or a label that publish would refuse is refused by the import', async () => {
  await writeWeights('model.safetensors', tensors())
  const importAs = (name: string | undefined) =>
    importFolder(folder, { out: at('out'), name, dropDistillation: false })
  await expect(importAs('Bad Name / x')).rejects.toThrow(/^--name takes 1 to 64 of a-z.*"Bad Name/)
  for (const [label, fault] of [
    ['', /"id2label" of class 1 must be a text of 1 to 256 letters/],
    ['x'.repeat(257), /"id2label" of class 1 must be a text of 1 to 256 letters/],
    ['a\nb', /"id2label" of class 1 holds a control character/],
  ] as const) {
    await writeFile(
      at('config.json'),
      JSON.stringify({ ...config, id2label: { 0: 'a', 1: label } }),
    )
    await expect(importAs(undefined)).rejects.toThrow(fault)
  }
  await writeFile(at('config.json'), JSON.stringify(config))
  expect((await importAs('good-name')).name).toBe('good-name')
})

test('a folder reads the same from where it came and after an import', async () => {
  await writeWeights('model.safetensors', tensors())
  await writeFile(at('preprocessor_config.json'), '{"image_mean":[0.1],"image_std":[0.2]}')
  const out = at('out')
  await importFolder(folder, { out, name: undefined, dropDistillation: false })
  const [before, after] = [await readModelFolder(folder), await readModelFolder(out)]
  expect(after.spec).toEqual(before.spec)
  expect(after.parts).toEqual(before.parts)
  expect(after.labels).toEqual(before.labels)
  expect(before.preprocessing).toMatchObject({ mean: [0.1], std: [0.2] })
})
