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
import { measureRelatedWork, type RelatedWork } from './related-work.ts'
import { relatedWorkSection } from './related-work-section.ts'
import type { TestImages } from './sweep.ts'
import { writeRelatedWork } from './write-report.ts'

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
const test100 = images(150, 2)

describe('related work', () => {
  let work: RelatedWork
  beforeAll(async () => {
    const models = { plain, shared: [shared], cored, coreRank: 3 }
    const mender = { batch: 20, epochs: 2, learningRate: 1e-3, seed: 1 }
    work = await measureRelatedWork(models, images(100, 3), test100, { passes: 2, mender })
  }, 60_000)

  test('measures a model in arbitrary order as an evaluation does', async () => {
    const { releases } = await evaluateModels([plain], () => test100, { seeds: 2 })
    expect(work.shared[0]?.all.mean).toBeCloseTo(releases[0]?.arbitrary.mean ?? -1, 12)
    expect(work.mending.plain.at(-1)).toEqual(work.shared[0]?.all)
    expect(work.cores.models[0]?.whole).toEqual(work.shared[0]?.all)
    expect(work.mending.plain.slice(0, 3)).toEqual(work.shared[0]?.left.slice(1))
  }, 60_000)

  test('counts the layers that have files of their own', () => {
    expect(work.shared.map(({ distinct }) => distinct)).toEqual([4, 1])
    expect(work.shared[1]?.layerBytes).toBe(layerBytesOf(spec, shared.parts))
    const [, one] = work.shared
    expect(one?.all.std, 'every order of one layer is the same').toBe(0)
  })

  test('has each view mended at every number of layers left', () => {
    expect([...work.mending.mended.keys()]).toEqual([...MENDER_VIEWS])
    for (const spreads of work.mending.mended.values()) expect(spreads).toHaveLength(4)
    expect([...work.mending.parameters.values()]).toEqual(
      [4, 8, 12].map((inputs) => inputs * 64 + 64 + 64 * 4 + 4),
    )
  })

  test('tells a model of low rank from its core nowhere, another one somewhere', () => {
    const [first, second] = work.cores.models
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
      const text = relatedWorkSection(work, command)
      expect(text).toContain('64\u202f000 training images, seed 7')
      expect(text).toContain('150 test images, 2 passes')
      expect(text).toContain('| one layer | 1 |')
      expect(text).toContain('| 2 left | all 4 |')
      for (const view of MENDER_VIEWS) expect(text).toContain(`| ${view} |`)
      expect(text).toContain(`\`cored\` 60`)
      expect(text).toContain(`\`\`\`sh\n${command}\n\`\`\``)
      expect(text.split('\n').filter((line) => line.startsWith('|---'))).toHaveLength(3)
      expect(text).not.toMatch(/undefined|NaN|\n\n\n/)
    })

    test('is added at the end, and takes the place of itself', async () => {
      await writeFile(page, before)
      await writeRelatedWork(page, work, command)
      const once = await readFile(page, 'utf8')
      expect(once).toBe(`${before}\n${relatedWorkSection(work, command)}\n`)
      await writeRelatedWork(page, work, command)
      expect(await readFile(page, 'utf8')).toBe(once)
      const after = '\n### Foreign pictures\n\nLast.\n'
      await writeFile(page, `${once}${after}`)
      await writeRelatedWork(page, work, 'node other.mjs')
      expect(await readFile(page, 'utf8')).toBe(
        `${before}\n${relatedWorkSection(work, 'node other.mjs')}\n${after}`,
      )
    })

    test('begins the measurements of other commands where there are none', async () => {
      await writeFile(page, '# Results\n')
      await writeRelatedWork(page, work, command)
      expect(await readFile(page, 'utf8')).toBe(
        `# Results\n\n## Measured by other commands\n\n${relatedWorkSection(work, command)}\n`,
      )
    })
  })
})
