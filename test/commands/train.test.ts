import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Finished, runCommand, startCommand } from '../support/run-command.ts'
import { tinyRecipe, writeTrainingData } from '../support/training-data.ts'

/** Steps between two checkpoints; a training that is killed before the first one begins anew. */
const CHECKPOINT_STEPS = 1000

let scratch = ''
let data = ''
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'train-'))
  data = join(scratch, 'data')
  await writeTrainingData(data)
})
afterAll(() => rm(scratch, { recursive: true }))

async function recipeFile(name: string, changes: object = {}): Promise<string> {
  const file = join(scratch, `${name}.json`)
  await writeFile(file, JSON.stringify({ ...tinyRecipe, ...changes }))
  return file
}

const trainTo = (recipe: string, out: string, ...flags: string[]): Promise<Finished> =>
  runCommand('train', recipe, '--out', out, '--data', data, '--engine', 'cpu', ...flags)

/** Starts a training and ends it with a signal once it says that it has done so many steps. */
async function endAfter(
  recipe: string,
  out: string,
  steps: number,
  signal: 'SIGKILL' | 'SIGINT',
): Promise<{ code: number | null; log: string }> {
  const flags = ['--out', out, '--data', data, '--engine', 'cpu']
  const child = startCommand('train', recipe, ...flags)
  child.stdout?.resume()
  let log = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    log += text
    const done = [...log.matchAll(/step (\d+) of/g)].at(-1)
    if (Number(done?.[1]) >= steps) child.kill(signal)
  })
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  return { code, log }
}

describe('a training', () => {
  test('that is killed at a random step and resumed ends with the weights of an unbroken one', async () => {
    const recipe = await recipeFile('killed')
    const unbroken = await trainTo(recipe, join(scratch, 'unbroken'), '--json')
    expect(unbroken.code, unbroken.stderr).toBe(0)

    const out = join(scratch, 'killed')
    const steps = CHECKPOINT_STEPS + Math.floor(Math.random() * CHECKPOINT_STEPS)
    const { code } = await endAfter(recipe, out, steps, 'SIGKILL')
    expect(code, `killed after step ${steps}`).toBe(null)
    expect(await readdir(out)).toContain('checkpoint.safetensors')
    expect(await readdir(out)).not.toContain('model.safetensors')

    const resumed = await trainTo(recipe, out, '--json', '--resume')
    expect(resumed.code, resumed.stderr).toBe(0)
    const [a, b] = [unbroken, resumed].map(({ stdout }) => JSON.parse(stdout))
    expect(b.modelHash, `killed after step ${steps}`).toBe(a.modelHash)
    expect(b.curve).toEqual(a.curve)
    expect(await readFile(join(out, 'train-report.html'), 'utf8')).toContain('<svg')
  })

  test('that is interrupted keeps a checkpoint, says so in one line and can go on', async () => {
    const recipe = await recipeFile('interrupted', { variant: 'layerdrop', images: 4000 })
    const out = join(scratch, 'interrupted')
    const { code, log } = await endAfter(recipe, out, 200, 'SIGINT')
    expect(code, log).toBe(130)
    const goOn = `layerswarm train ${recipe} --data ${data} --engine cpu --out ${out} --resume`
    expect(log.trim().split('\n').at(-1)).toMatch(
      /^layerswarm: stopped after step \d+ of 1000; go on with: /,
    )
    expect(log.trim().endsWith(goOn)).toBe(true)
    expect(await readdir(out)).toEqual(['checkpoint.safetensors'])
    const early = await runCommand('evaluate', out)
    expect(early.stderr).toContain(`holds a training that is not finished; go on with: ${goOn}\n`)
    const resumed = await trainTo(recipe, out, '--json', '--resume')
    const unbroken = await trainTo(recipe, join(scratch, 'not interrupted'), '--json')
    const [a, b] = [unbroken, resumed].map(({ stdout }) => JSON.parse(stdout).modelHash)
    expect(b).toBe(a)
  })

  test('whose reader leaves after the first line goes on to its end', async () => {
    const recipe = await recipeFile('unread', { images: 4000 })
    const out = join(scratch, 'unread')
    const child = startCommand('train', recipe, '--out', out, '--data', data, '--engine', 'cpu')
    child.stdout?.resume()
    child.stderr?.once('data', () => child.stderr?.destroy())
    const code = await new Promise<number | null>((resolve) => child.once('exit', resolve))
    expect(code).toBe(0)
    expect(await readdir(out)).toContain('model.safetensors')
  })
})

describe('a training that cannot start says why in one line and writes nothing', () => {
  test.each([
    ['unknown key', { learningrate: 1 }, /"learningrate" is not a field of a recipe/],
    ['unknown variant', { variant: 'random' }, /"variant" must be one of shuffle, position/],
    ['impossible shape', { heads: 3 }, /"heads" must divide "width"/],
    ['odd patches', { patchSize: 3 }, /"patchSize" must divide "imageSize"/],
    ['too large batch', { batch: 1000 }, /only 360 training images/],
  ])('%s', async (name, changes, line) => {
    const out = join(scratch, `refused ${name}`)
    const refused = await trainTo(await recipeFile(name, changes), out, '--json')
    expect(refused.code).toBe(1)
    expect(refused.stderr.trim().split('\n')).toEqual([expect.stringMatching(line)])
    expect(JSON.parse(refused.stdout).error.message).toMatch(line)
    expect(await readdir(scratch)).not.toContain(`refused ${name}`)
  })

  test('no place to write', async () => {
    const file = join(scratch, 'a file')
    await writeFile(file, 'kept')
    for (const out of [file, join(file, 'below')]) {
      const refused = await trainTo(await recipeFile('no place'), out)
      expect(refused.code).toBe(1)
      expect(refused.stderr.trim()).toMatch(/a file.* cannot be written: .*not a folder$/)
    }
    expect(await readFile(file, 'utf8')).toBe('kept')
  })

  test('no data', async () => {
    const out = join(scratch, 'refused data')
    const recipe = await recipeFile('no data')
    const refused = await runCommand('train', recipe, '--out', out, '--data', join(scratch, 'none'))
    expect(refused.code).toBe(1)
    expect(refused.stderr.trim().split('\n')).toHaveLength(1)
    expect(refused.stderr).toMatch(/^layerswarm: no data set in .*none/)
    expect(await readdir(scratch)).not.toContain('refused data')
  })
})
