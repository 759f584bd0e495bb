import { execFile } from 'node:child_process'
import { existsSync, realpathSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { tinyRecipe, writeTrainingData } from '../support/training-data.ts'

const script = fileURLToPath(
  new URL('../../packages/trainer/scripts/compare-engines.mjs', import.meta.url),
)
const bin = fileURLToPath(new URL('../../apps/cli/bin/layerswarm.js', import.meta.url))
/** Largest difference of a loss between the engines, relative: float32 in other orders of summing. */
const TOLERANCE = 1e-5
/** What the memory of a process may grow by in 800 steps, MB: garbage that is not collected yet. */
const GROWTH_MB_MAX = 16
const SOFTWARE_MS_MAX = 400_000

/** The environment that shows a process the Vulkan driver in software that comes with Chromium. */
function softwareDriver(): Readonly<Record<string, string>> {
  const chromium = process.env.LAYERSWARM_CHROMIUM ?? '/usr/bin/chromium'
  const folders = [dirname(realpathSync(chromium)), '/usr/lib/chromium', '/usr/lib64/chromium']
  for (const folder of folders) {
    const icd = join(folder, 'vk_swiftshader_icd.json')
    if (!existsSync(icd)) continue
    const LD_LIBRARY_PATH = [folder, process.env.LD_LIBRARY_PATH ?? ''].join(':')
    return { VK_ICD_FILENAMES: icd, VK_DRIVER_FILES: icd, LD_LIBRARY_PATH }
  }
  throw new Error(
    `this test needs WebGPU in software, and there is no vk_swiftshader_icd.json beside ${chromium} nor in ${folders.slice(1).join(' or ')}`,
  )
}

interface EngineRun {
  readonly device: string
  readonly losses: readonly number[]
  readonly tensors: readonly number[]
  readonly memory: readonly [number, number]
}

async function compareEngines(
  flags: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<{ cpu: EngineRun; webgpu: EngineRun | null }> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--expose-gc', script, ...flags],
    { env: { ...process.env, ...environment } },
  )
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '')
}

describe('the engines of a training', () => {
  test.each([
    ['shuffle', 5],
    ['position', 2],
    ['predict', 2],
  ])(
    'agree on the losses of %s in %d steps, and WebGPU leaves no tensor behind',
    async (variant, steps) => {
      const flags = ['--variant', variant, '--steps', String(steps)]
      const { cpu, webgpu } = await compareEngines(flags, softwareDriver())
      expect(webgpu?.device).toMatch(/^tfjs .* webgpu, .*swiftshader/i)
      expect(new Set(cpu.losses).size).toBe(steps)
      cpu.losses.forEach((loss, step) => {
        const other = webgpu?.losses[step] ?? Number.NaN
        expect(Math.abs(other - loss) / loss, `step ${step + 1}`).toBeLessThan(TOLERANCE)
      })
      expect(new Set(webgpu?.tensors).size).toBe(1)
    },
    SOFTWARE_MS_MAX,
  )

  test('leave the memory of the process flat over 1,000 steps on the processor', async () => {
    const { cpu } = await compareEngines(['--steps', '1000', '--cpu-only'])
    const [early, late] = cpu.memory
    expect(late - early).toBeLessThan(GROWTH_MB_MAX)
  })
})

describe('a training on WebGPU', () => {
  let scratch = ''
  beforeAll(async () => {
    scratch = await mkdtemp(join(tmpdir(), 'engines-'))
    await writeTrainingData(join(scratch, 'data'))
    const recipe = { ...tinyRecipe, layers: 1, images: tinyRecipe.batch }
    await writeFile(join(scratch, 'recipe.json'), JSON.stringify(recipe))
  })
  afterAll(() => rm(scratch, { recursive: true }))

  /** @returns the document on stdout; no limit of time, since software is slow on a busy machine. */
  async function trainOnWebgpu(environment: Readonly<Record<string, string>>): Promise<unknown> {
    const words = ['train', join(scratch, 'recipe.json'), '--data', join(scratch, 'data')]
    const flags = ['--out', join(scratch, 'out'), '--engine', 'webgpu', '--json']
    const env = { ...process.env, ...environment }
    const ran = promisify(execFile)(process.execPath, [bin, ...words, ...flags], { env })
    const { stdout } = await ran.catch((error: { stdout: string }) => error)
    return JSON.parse(stdout)
  }

  test('that is asked for where there is no adapter is refused in one line', async () => {
    const nowhere = join(scratch, 'no such driver')
    const refused = await trainOnWebgpu({ VK_ICD_FILENAMES: nowhere, VK_DRIVER_FILES: nowhere })
    expect(refused).toEqual({
      error: {
        code: 'no-engine',
        message: 'there is no WebGPU adapter on this machine; train with --engine cpu',
      },
    })
  })

  test(
    'says so in its report',
    async () => {
      expect(await trainOnWebgpu(softwareDriver())).toMatchObject({
        steps: 1,
        accuracies: { images: 100 },
        engine: expect.stringMatching(/^tfjs .* webgpu/),
      })
    },
    SOFTWARE_MS_MAX,
  )
})
