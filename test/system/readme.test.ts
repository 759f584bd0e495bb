import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseIdx } from '@layerswarm/model'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { grayPng } from './pictures.ts'
import { type RunningSwarm, runCommand, startCommand, startSwarm } from './run-command.ts'
import { writeSampleData } from './training-data.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const SAMPLES = join(root, 'models/samples/fashion-mnist-500')

let scratch = ''
let swarm: RunningSwarm

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'layerswarm-readme-'))
  swarm = await startSwarm('--peers', '2', '--port', '0')
})

afterAll(async () => {
  await swarm?.end('SIGTERM')
  await rm(scratch, { recursive: true, force: true })
})

/** Runs a command of the README and expects success; the words are as printed but for names of places. */
async function run(line: string, places: Readonly<Record<string, string>> = {}): Promise<string> {
  const words = line.split(' ').slice(2)
  const real = words.map((word) => (word.startsWith('http:') ? swarm.url : (places[word] ?? word)))
  const { code, stdout, stderr } = await runCommand(
    ...real.map((word) =>
      word.startsWith('models/fashion') || word.startsWith('models/samples')
        ? join(root, word)
        : word,
    ),
  )
  expect(code, stderr).toBe(0)
  return stdout
}

/** Every command of the README, and what it must show. */
const COMMANDS: Readonly<Record<string, (line: string) => Promise<void>>> = {
  'npx layerswarm --help': async (line) => {
    expect(await run(line)).toContain('Start with `layerswarm up`')
  },
  'npx layerswarm classify --samples 20 --join http://127.0.0.1:9000': async (line) => {
    expect(await run(line)).toMatch(/^20 of 20 answered, \d+ correct/)
  },
  'npx layerswarm classify photo.jpg --join http://127.0.0.1:9000': async (line) => {
    const photo = join(scratch, 'photo.png')
    await writeFile(photo, await grayPng())
    expect(await run(line, { 'photo.jpg': photo })).toMatch(/%/)
  },
  'npx layerswarm peer --join http://127.0.0.1:9000 --layers auto': async () => {
    const child = startCommand('peer', '--join', swarm.url, '--layers', 'auto')
    const ended = new Promise((resolve) => child.once('close', resolve))
    let log = ''
    await new Promise<void>((resolve) => {
      child.stderr?.on('data', (data) => {
        log += String(data)
        if (log.includes('hosting layers')) resolve()
      })
    })
    child.kill('SIGTERM')
    expect(await ended, log).toBe(0)
  },
  'npx layerswarm demo --samples 200 --peers 8 --kill 2': async (line) => {
    const report = JSON.parse(await run(`${line} --json`))
    expect(report).toMatchObject({ samples: 200, answered: 200, killed: 2 })
    expect(report.distinctOrders).toBeGreaterThanOrEqual(20)
    // 89 % of these images in arbitrary order; a run's own orders move it by about a point.
    expect(report.accuracy).toBeGreaterThan(0.84)
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
  'npx layerswarm simulate churn --peers 60 --requests 100 --seed 1 --report runs/churn': async (
    line,
  ) => {
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
    expect(await run(`${line} --key KEY`, places)).toMatch(/10 parts/)
  },
}

describe('the README', () => {
  test('shows the commands that this file runs', async () => {
    const text = await readFile(join(root, 'README.md'), 'utf8')
    const shown = [...text.matchAll(/^(npx layerswarm [^#\n]*)/gm)].map(([line]) => line.trim())
    expect(shown.toSorted()).toEqual(Object.keys(COMMANDS).toSorted())
  })

  test.each(Object.entries(COMMANDS))('%s', async (line, check) => check(line))
})
