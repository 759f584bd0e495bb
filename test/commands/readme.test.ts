import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseIdx } from '@layerswarm/model'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  type CommandCheck,
  readmeCommands,
  runReadmeCommand as run,
} from '../support/readme-commands.ts'
import { writeSampleData } from '../support/training-data.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const SAMPLES = join(root, 'models/samples/fashion-mnist-500')

let scratch = ''
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'layerswarm-readme-'))
})
afterAll(() => rm(scratch, { recursive: true, force: true }))

/** Every command of the README that needs no swarm, and what it must show. */
const COMMANDS: Readonly<Record<string, CommandCheck>> = {
  'npx layerswarm --help': async (line) => {
    expect(await run(line)).toContain('Start with `layerswarm up`')
  },
  'npx layerswarm forward models/fashion-vit --images images.json --order 2,0,1,7,5': async (
    line,
  ) => {
    const images = join(scratch, 'images.json')
    const { data } = parseIdx(await readFile(join(SAMPLES, 'images.idx3-ubyte')))
    const values = Array.from(data.subarray(0, 784), (pixel) => (pixel / 255 - 0.286) / 0.353)
    await writeFile(images, JSON.stringify({ shape: [1, 1, 28, 28], data: values }))
    expect(await run(line, { 'images.json': images })).toMatch(/^image 0: /)
  },
  'npx layerswarm evaluate models/fashion-vit --samples models/samples/fashion-mnist-500': async (
    line,
  ) => {
    const { releases } = JSON.parse(await run(`${line} --json`))
    expect(releases[0]).toMatchObject({ name: 'fashion-vit', variant: 'shuffle', images: 500 })
    expect(releases[0].arbitrary.mean).toBeGreaterThan(0.85)
  },
  'npx layerswarm simulate harsh --peers 60 --requests 400 --seed 1': async (line) => {
    const said = await run(line)
    expect(said).toMatch(/^Protocol: production's protocol\.\n/)
    expect(said).toMatch(/\| any-order \| 100\.0 % \|/)
  },
  'npx layerswarm simulate churn --peers 30 --requests 100 --set requests.perMinute=200 --seed 1 --report runs/churn':
    async (line) => {
      await run(line, { 'runs/churn': join(scratch, 'churn') })
      expect(await readFile(join(scratch, 'churn/churn.svg'), 'utf8')).toContain('any order')
    },
  'npx layerswarm simulate tabs --requests 300': async (line) => {
    expect(await run(line)).toMatch(/\| any-order \| (100|99)\.\d % \|/)
  },
  'npx layerswarm train packages/trainer/recipes/fashion-vit.json --out runs/mine': async (
    line,
  ) => {
    const shipped = JSON.parse(
      await readFile(join(root, 'packages/trainer/recipes/fashion-vit.json'), 'utf8'),
    )
    const recipe = join(scratch, 'recipe.json')
    await writeFile(recipe, JSON.stringify({ ...shipped, images: 640, warmupSteps: 2 }))
    await writeSampleData(join(scratch, 'data'))
    const places = {
      'packages/trainer/recipes/fashion-vit.json': recipe,
      'runs/mine': join(scratch, 'mine'),
      DATA: join(scratch, 'data'),
    }
    await run(`${line} --data DATA`, places)
    const report = JSON.parse(await readFile(join(scratch, 'mine', 'report.json'), 'utf8'))
    expect(report).toMatchObject({ imagesSeen: 640, steps: 10 })
  },
  'npx layerswarm publish runs/mine --out models/mine': async (line) => {
    const places = {
      'runs/mine': join(scratch, 'mine'),
      'models/mine': join(scratch, 'release'),
      KEY: join(scratch, 'key'),
    }
    expect(await run(`${line} --key KEY`, places)).toMatch(/10 files/)
  },
}

describe('the README', () => {
  test('shows the commands that this file runs, beside those in a swarm', async () => {
    expect(await readmeCommands('alone')).toEqual(Object.keys(COMMANDS).toSorted())
  })

  test.each(Object.entries(COMMANDS))('%s', async (line, check) => check(line))
})
