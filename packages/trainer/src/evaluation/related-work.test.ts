import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Part, parseModelSpec, randomModel } from '@layerswarm/model'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createRandom } from '../random.ts'
import { coreParts } from './cores.ts'
import { evaluateModels, type MeasurableModel } from './evaluate-models.ts'
import { layerBytesOf } from './layer-files.ts'
import { MENDER_VIEWS } from './mended.ts'
import {
  type CoreWork,
  type MendedWork,
  measureCores,
  measureMending,
  measureShared,
  type SharedWork,
} from './related-work.ts'
import { coreSection, mendedSection, type Section, sharedSection } from './related-work-section.ts'
import type { TestImages } from './sweep.ts'
import { writeSection } from './write-report.ts'

const spec = parseModelSpec({
  ...{ variant: 'shuffle', layers: 4, imageSize: 8, patchSize: 4, channels: 1, width: 8 },
  ...{ heads: 2, mlpWidth: 16, classes: 4, layerNormEps: 1e-6 },
})
const preprocessing = { size: 8, channels: 1, mean: [0.5], std: [0.25], foreground: 'any' } as const

function images(count: number, seed: number): TestImages {
  const random = createRandom(seed, 'images')
  const pixels = Uint8Array.from({ length: count * 64 }, () => random.below(256))
  const labels = Uint8Array.from({ length: count }, () => random.below(4))
  return { preprocessing, images: { count, pixels, labels } }
}

const files = randomModel(spec, 1)
const plain: MeasurableModel = {
  ...{ name: 'plain', spec, parts: files },
  training: { images: 64_000, seed: 7, cpuSeconds: 60 },
}
/** All layers are the first of the plain model. */
const shared: MeasurableModel = {
  ...{ ...plain, name: 'one layer' },
  parts: new Map<Part, Uint8Array>(
    [...files].map(([part, file]) => [
      part,
      typeof part === 'number' ? (files.get(0) ?? file) : file,
    ]),
  ),
}
/** Of rank 3 already. */
const cored: MeasurableModel = { ...plain, name: 'cored', parts: coreParts(spec, files, 3) }
const test150 = images(150, 2)

describe('related work', () => {
  const mender = { batch: 20, epochs: 2, learningRate: 1e-3, seed: 1 }
  let sharing: SharedWork
  let mending: MendedWork
  let cores: CoreWork
  beforeAll(async () => {
    sharing = await measureShared([plain, shared], test150, { passes: 2 })
    mending = await measureMending(plain, images(100, 3), test150, { passes: 2, mender })
    cores = await measureCores([plain, cored], 3, test150, { passes: 2 })
  }, 120_000)

  test('measures a model in arbitrary order as an evaluation does', async () => {
    const { releases } = await evaluateModels([plain], () => test150, { seeds: 2 })
    const [first] = sharing.models
    expect(first?.all.mean).toBeCloseTo(releases[0]?.arbitrary.mean ?? -1, 12)
    expect(mending.plain.at(-1)).toEqual(first?.all)
    expect(mending.plain.slice(0, 3)).toEqual(first?.left.slice(1))
    expect(cores.models[0]?.whole).toEqual(first?.all)
  }, 60_000)

  test('counts the layers that have files of their own', () => {
    const [, one] = sharing.models
    expect(sharing.models.map(({ distinct }) => distinct)).toEqual([4, 1])
    expect(one?.layerBytes).toBe(layerBytesOf(spec, shared.parts))
    expect(one?.all.std, 'every order of one layer is the same').toBe(0)
  })

  test('has each view mended at every number of layers left', () => {
    expect([...mending.mended.keys()]).toEqual([...MENDER_VIEWS])
    for (const spreads of mending.mended.values()) expect(spreads).toHaveLength(4)
    expect([...mending.parameters.values()]).toEqual(
      [4, 8, 12].map((inputs) => inputs * 64 + 64 + 64 * 4 + 4),
    )
  })

  test('tells a model of low rank from its core nowhere, another one somewhere', () => {
    const [first, second] = cores.models
    expect(second?.core).toEqual(second?.whole)
    expect(second?.mixed).toEqual(second?.whole)
    expect(first?.core).not.toEqual(first?.whole)
  })

  describe('on the page', () => {
    let folder = ''
    let page = ''
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'related-'))
      page = join(folder, 'results.md')
    })
    afterAll(() => rm(folder, { recursive: true }))
    const command = 'node scripts/related-work.mjs'
    const before = '# Results\n\n## Measured by other commands\n\n### Layers at once\n\nFirst.\n'

    test('has a table for each idea, with budget, seed, cost and the command', () => {
      const texts = [sharedSection(sharing, command), coreSection(cores, command)]
      const mended = mendedSection(mending, command)
      for (const { title, text } of [...texts, mended]) {
        expect(title).toMatch(/^### [A-Z]/)
        expect(text).toContain('150 test images, 2 passes')
        expect(text).toContain(`\`\`\`sh\n${command}\n\`\`\``)
        expect(text.split('\n').filter((line) => line.startsWith('|---'))).toHaveLength(1)
        expect(text).not.toMatch(/undefined|NaN|\n\n\n/)
      }
      for (const { text } of texts) {
        expect(text).toContain('`plain` (64\u202f000 images, seed 7, 60 s of processor time)')
      }
      expect(texts[0]?.text).toContain('| one layer | 1 |')
      expect(texts[0]?.text).toContain('| all 4 | 2 left | 1 left |')
      expect(mended.text).toContain('100 training images')
      for (const view of MENDER_VIEWS) expect(mended.text).toContain(`| ${view} |`)
    })

    test('is added at the end, and takes the place of itself', async () => {
      const section = coreSection(cores, command)
      const written = ({ title, text }: Section): string => `${title}\n\n${text}\n`
      await writeFile(page, before)
      await writeSection(page, section)
      const once = await readFile(page, 'utf8')
      expect(once).toBe(`${before}\n${written(section)}`)
      await writeSection(page, section)
      expect(await readFile(page, 'utf8')).toBe(once)
      const after = '\n### Foreign pictures\n\nLast.\n'
      await writeFile(page, `${once}${after}`)
      const other = coreSection(cores, 'node other.mjs')
      await writeSection(page, other)
      expect(await readFile(page, 'utf8')).toBe(`${before}\n${written(other)}${after}`)
      await writeSection(page, sharedSection(sharing, command))
      const all = `${before}\n${written(other)}${after}\n${written(sharedSection(sharing, command))}`
      expect(await readFile(page, 'utf8')).toBe(all)
    })

    test('begins the measurements of other commands where there are none', async () => {
      await writeFile(page, '# Results\n')
      await writeSection(page, { title: '### Some', text: 'Figures.' })
      expect(await readFile(page, 'utf8')).toBe(
        '# Results\n\n## Measured by other commands\n\n### Some\n\nFigures.\n',
      )
    })
  })
})
