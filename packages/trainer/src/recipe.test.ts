import { readdir } from 'node:fs/promises'
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
      layers: base.layers / 2,
    })
  })

  test.each([
    ['fashion-vit-sequential', { variant: 'sequential' }],
    ['fashion-vit-position', { variant: 'position' }],
    ['fashion-vit-small', { variant: 'sequential', layers: 4 }],
  ])('%s differs from fashion-vit in nothing but what its name says', async (name, changes) => {
    const base = await shipped('fashion-vit.json')
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
  ])('with %s %s is refused', async (field, value) => {
    const recipe = await shipped('fashion-vit.json')
    expect(fieldOf({ ...recipe, [field]: value })).toBe(field)
  })

  test('rounds its images up to whole steps', async () => {
    const recipe = await shipped('fashion-vit.json')
    expect(stepsOf({ ...recipe, batch: 64, images: 129 })).toBe(3)
  })

  test('that is not a JSON file is refused in one line', async () => {
    const here = new URL(import.meta.url).pathname
    await expect(readRecipe(here)).rejects.toThrow(/^recipe .*recipe.test.ts: it is not JSON$/)
    await expect(readRecipe('/nowhere.json')).rejects.toThrow(/cannot be read/)
  })
})
