import { execFile, spawnSync } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { tinyRecipe, writeTrainingData } from '../support/training-data.ts'

const bin = fileURLToPath(new URL('../../apps/cli/bin/layerswarm.js', import.meta.url))
/** It shows what every process connects to; not every system has it, and some forbid its use. */
const hasStrace = spawnSync('strace', ['-f', '-o', '/dev/null', 'true']).status === 0

let scratch = ''
let home = ''
let work = ''
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'layerswarm-quiet-'))
  home = join(scratch, 'home')
  work = join(scratch, 'work')
  await mkdir(home)
  await mkdir(work)
})
afterAll(() => rm(scratch, { recursive: true, force: true }))

/** Runs a command in an empty folder with an empty home, under strace where there is one. */
async function run(...words: string[]): Promise<string> {
  // The tests themselves forbid reports; a person's environment does not.
  const { ORT_DISABLE_TELEMETRY: _, ...inherited } = process.env
  const env = { ...inherited, HOME: home, XDG_CACHE_HOME: '', XDG_CONFIG_HOME: '' }
  const command = [process.execPath, bin, ...words]
  const traced = [
    'strace',
    '-f',
    '-e',
    'trace=connect',
    '-o',
    join(scratch, 'connects'),
    ...command,
  ]
  const [program = '', ...rest] = hasStrace ? traced : command
  const { stdout } = await promisify(execFile)(program, rest, { cwd: work, env })
  return stdout
}

/** Whom the processes of the last command connected to, but for sockets that are files. */
async function strangers(): Promise<string[]> {
  const lines = (await readFile(join(scratch, 'connects'), 'utf8')).split('\n')
  return lines
    .filter((line) => line.includes('connect(') && !line.includes('AF_UNIX'))
    .filter((line) => !/inet_addr\("127\.|"::1"|AF_UNSPEC/.test(line))
}

describe('a machine that takes part', () => {
  test('finds nothing in its home and its folder after the main job', async () => {
    const report = JSON.parse(
      await run('demo', '--samples', '8', '--peers', '2', '--kill', '1', '--json'),
    )
    expect(report).toMatchObject({ answered: 8, backends: ['ort-node'] })
    expect(await readdir(home)).toEqual([])
    expect(await readdir(work)).toEqual([])
  })

  test.runIf(hasStrace)('connects to itself alone in the main job', async () => {
    expect(await strangers()).toEqual([])
    expect(await readFile(join(scratch, 'connects'), 'utf8')).toContain('inet_addr("127.0.0.1")')
  })

  test('finds nothing but what it asked for after a training', async () => {
    await writeTrainingData(join(scratch, 'data'))
    const recipe = join(scratch, 'recipe.json')
    await writeFile(recipe, JSON.stringify({ ...tinyRecipe, images: tinyRecipe.batch }))
    const flags = ['--data', join(scratch, 'data'), '--out', 'trained', '--engine', 'cpu', '--json']
    expect(JSON.parse(await run('train', recipe, ...flags))).toMatchObject({ steps: 1 })
    expect(await readdir(home)).toEqual([])
    expect(await readdir(work)).toEqual(['trained'])
    if (hasStrace) expect(await strangers()).toEqual([])
  })
})
