import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { VARIANTS } from '@layerswarm/model'
import { describe, expect, test } from 'vitest'
import { parseRecipe, readRecipe, specOf, stepsOf } from './recipe.ts'

const folder = new URL('../recipes/', import.meta.url)
const shipped = (name: string): Promise<ReturnType<typeof parseRecipe>> =>
  readRecipe(new URL(name, folder).pathname)

function fieldOf(value: unknown): unknown {
  try {
    parseRecipe(value)
    return 'accepted'
  } catch (error) {
    expect(error).toMatchObject({ name: 'TrainerError', code: 'bad-recipe' })
    return (error as { fault: { field: string } }).fault.field
  }
}

describe('a recipe', () => {
  test('that ships with the package is valid', async () => {
    const names = await readdir(folder)
    expect(names).toContain('fashion-vit.json')
    for (const name of names) {
      const recipe = await shipped(name)
      expect(`${recipe.name}.json`).toBe(name)
      const spec = specOf(recipe, { imageSize: 28, channels: 1, labels: Array(10).fill('class') })
      expect(spec).toMatchObject({ variant: recipe.variant, width: recipe.width, classes: 10 })
    }
  })

  test('of the paper differs from the others by its name and its variant alone', async () => {
    const base = await shipped('paper-shuffle.json')
    for (const variant of VARIANTS) {
      expect(await shipped(`paper-${variant}.json`)).toEqual({
        ...base,
        name: `paper-${variant}`,
        variant,
      })
    }
    // What the shuffled model costs after half of its layers were pruned.
    expect(await shipped('paper-small.json')).toEqual({
      ...base,
      name: 'paper-small',
      variant: 'sequential',
      ...{ layers: base.layers / 2, distinctLayers: base.layers / 2 },
    })
  })

  test.each([
    ['fashion-vit-sequential', { variant: 'sequential' }],
    ['fashion-vit-position', { variant: 'position' }],
    ['fashion-vit-small', { variant: 'sequential', layers: 4, distinctLayers: 4 }],
  ])('%s differs from fashion-vit in nothing but what its name says', async (name, changes) => {
    const base = await shipped('fashion-vit.json')
    expect(await shipped(`${name}.json`)).toEqual({ ...base, name, ...changes })
  })

  test.each([
    ['related-shared', { distinctLayers: 1 }],
    ['related-core', { coreRank: 16 }],
  ])('%s differs from related-shuffle in nothing but what its name says', async (name, changes) => {
    const base = await shipped('related-shuffle.json')
    expect(base).toEqual({
      ...(await shipped('paper-shuffle.json')),
      ...{ name: 'related-shuffle', images: base.images },
    })
    expect(await shipped(`${name}.json`)).toEqual({ ...base, name, ...changes })
  })

  test('with an unknown field is refused, and the field named', async () => {
    const recipe = await shipped('fashion-vit.json')
    expect(fieldOf({ ...recipe, learningrate: 1 })).toBe('learningrate')
  })

  test.each([
    ['batch', 0],
    ['batch', 1.5],
    ['learningRate', '0.1'],
    ['learningRate', Number.NaN],
    ['flip', 1.01],
    ['images', undefined],
    ['variant', 'small'],
    ['erase', -0.1],
    ['name', '../escape'],
    ['optimizer', 'sgd'],
    ['keptPatches', 24],
    ['dropLayers', 8],
    ['dropLayers', -1],
    ['rounds', []],
    ['rounds', [0]],
    ['rounds', [9]],
    ['rounds', [1, 2.5]],
    ['rounds', 4],
    ['rounds', Array(65).fill(1)],
    ['orders', 3],
    ['distinctLayers', 0],
    ['distinctLayers', 9],
    ['coreRank', -1],
    ['coreRank', 64],
    ['teacherShare', 1.1],
    ['teacherOrders', 0],
  ])('with %s %s is refused', async (field, value) => {
    const recipe = await shipped('fashion-vit.json')
    expect(fieldOf({ ...recipe, [field]: value })).toBe(field)
  })

  test.each([
    ['dropLayers', { variant: 'sequential', dropLayers: 1 }],
    ['dropLayers', { variant: 'layerdrop', dropLayers: 1 }],
    ['rounds', { variant: 'position', rounds: [2] }],
    ['rounds', { variant: 'sequential', rounds: [1, 8] }],
  ])('with %s that its variant cannot do is refused', async (field, changes) => {
    expect(fieldOf({ ...(await shipped('paper-shuffle.json')), ...changes })).toBe(field)
  })

  test('of the paper has none of what the paper does not: one order of all layers, labels alone', async () => {
    const file = JSON.parse(await readFile(new URL('paper-shuffle.json', folder), 'utf8'))
    const beyond = {
      dropLayers: 0,
      rounds: [1],
      orders: 1,
      distinctLayers: 8,
      coreRank: 0,
      teacherShare: 0,
      teacherOrders: 1,
    }
    for (const field of Object.keys(beyond)) expect(file).not.toHaveProperty(field)
    expect(await shipped('paper-shuffle.json')).toEqual({ ...file, ...beyond })
  })

  test('rounds its images up to whole steps', async () => {
    const recipe = await shipped('fashion-vit.json')
    expect(stepsOf({ ...recipe, batch: 64, images: 129 })).toBe(3)
  })

  test('that is another file is called what it is, and a byte order mark is none of its words', async () => {
    const place = await mkdtemp(join(tmpdir(), 'recipe-'))
    const file = join(place, 'recipe.json')
    const text = await readFile(new URL('fashion-vit.json', folder), 'utf8')
    try {
      await writeFile(file, `\ufeff${text}`)
      expect(await readRecipe(file)).toEqual(await shipped('fashion-vit.json'))
      const others = [
        ['version https://git-lfs.github.com/spec/v1\n', /recipe\.json: it is a Git LFS pointer/],
        ['<!doctype html><html></html>', /recipe\.json: it is a web page, not the file/],
        [
          Buffer.from(`\ufeff${text}`, 'utf16le'),
          /recipe\.json: it is UTF-16, not UTF-8; save it as/,
        ],
        [
          Buffer.from(text, 'utf16le').swap16(),
          /recipe\.json: it is UTF-16, not UTF-8; save it as/,
        ],
        ['', /recipe\.json: it is empty; copy or write it again$/],
      ] as const
      for (const [content, line] of others) {
        await writeFile(file, content)
        await expect(readRecipe(file)).rejects.toThrow(line)
      }
    } finally {
      await rm(place, { recursive: true })
    }
  })

  test('with a field of a long name is told the beginning of it', async () => {
    const recipe = { ...(await shipped('fashion-vit.json')), ['x'.repeat(5000)]: 1 }
    expect(() => parseRecipe(recipe)).toThrow(/^recipe: "x{40}…" is not a field of a recipe; known/)
  })

  test('that is not a JSON file is refused in one line', async () => {
    const here = new URL(import.meta.url).pathname
    await expect(readRecipe(here)).rejects.toThrow(/^recipe .*recipe.test.ts: it is not JSON$/)
    await expect(readRecipe('/nowhere.json')).rejects.toThrow(/nowhere\.json: it does not exist$/)
    await expect(readRecipe('/')).rejects.toThrow(/^recipe \/: it is a folder; name the recipe/)
    await expect(readRecipe(join(here, 'below'))).rejects.toThrow(/cannot be read: a part of the/)
  })
})
