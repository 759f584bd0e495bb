import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseModelSpec, randomModel } from '@layerswarm/model'
import { writeMadeModel } from '@layerswarm/trainer'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { mergeFolders } from './merge-folders.ts'

const spec = parseModelSpec({
  ...{ variant: 'shuffle', layers: 2, imageSize: 8, patchSize: 4, channels: 1, width: 8 },
  ...{ heads: 2, mlpWidth: 16, classes: 2, layerNormEps: 1e-6 },
})
const preprocessing = { size: 8, channels: 1, mean: [0.5], std: [0.5], foreground: 'any' } as const

let scratch = ''
const at = (name: string): string => join(scratch, name)
const makeModel = (folder: string, name: string, labels: readonly string[] = ['cat', 'dog']) =>
  writeMadeModel(at(folder), {
    ...{ name, spec, preprocessing, labels, isBackbone: false, seed: 1, imagesSeen: 0, recipe: {} },
    parts: randomModel(spec, 1),
  })
const merge = (name?: string) =>
  mergeFolders(at('a'), at('b'), { out: at('out'), mask: undefined, seed: 1, name })

beforeEach(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'merge-'))
})
afterEach(() => rm(scratch, { recursive: true }))

test('two models are merged under a name that publish takes', async () => {
  await makeModel('a', 'Bad Name'.repeat(10))
  await makeModel('b', 'b')
  await expect(merge('Bad Name')).rejects.toThrow(/^--name takes 1 to 64 of a-z.*not "Bad Name"$/)
  expect((await merge()).name).toMatch(/^bad-namebad-[a-z-]{1,45}-merged$/)
})

test('models with a label that publish would refuse are not merged', async () => {
  for (const folder of ['a', 'b']) await makeModel(folder, folder, ['cat', 'd\nog'])
  await expect(merge()).rejects.toThrow(
    /report\.json: "dataset\.labels\.1" holds a control character, .*; change it there$/,
  )
})
