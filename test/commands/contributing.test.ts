import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cp, mkdir, mkdtemp, rm, symlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const text = readFileSync(join(root, 'CONTRIBUTING.md'), 'utf8')

/** Node modules that are run where the document says npx, so that none is looked up elsewhere. */
const VITEST = join(root, 'node_modules/vitest/vitest.mjs')

/** A copy of the tree inside this one, where its own packages are found first and all others above. */
let copy = ''

const MADE = new Set(['dist', 'node_modules', 'runs'])
const isSource = (path: string): boolean =>
  !MADE.has(basename(path)) && !path.endsWith('.tsbuildinfo')

beforeAll(async () => {
  mkdirSync(join(root, 'dist'), { recursive: true })
  copy = await mkdtemp(join(root, 'dist/contributing-'))
  for (const name of ['packages', 'apps', 'examples', 'docs', 'scripts', 'test']) {
    await cp(join(root, name), join(copy, name), { recursive: true, filter: isSource })
  }
  for (const name of readdirSync(root)) {
    if (/\.(json|ts|md)$/.test(name)) await cp(join(root, name), join(copy, name))
  }
  await symlink(join(root, 'models'), join(copy, 'models'))
  await mkdir(join(copy, 'node_modules/@layerswarm'), { recursive: true })
  for (const name of readdirSync(join(root, 'packages'))) {
    await symlink(join(copy, 'packages', name), join(copy, 'node_modules/@layerswarm', name))
  }
})
afterAll(() => rm(copy, { recursive: true, force: true }))

interface Block {
  readonly language: string
  readonly code: string
}

/** The blocks of code below a heading, in their order. */
function blocksUnder(heading: string): Block[] {
  const section = text.split(/^## /m).find((one) => one.startsWith(`${heading}\n`))
  if (section === undefined) throw new Error(`CONTRIBUTING.md has no section "${heading}"`)
  return [...section.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].map(
    ([, language = '', code = '']) => ({ language, code }),
  )
}

/** Writes a new file; the first line of the block names it. */
function writeNew(code: string): void {
  const [first = '', ...rest] = code.split('\n')
  const path = join(copy, /^\/\/ (\S+)$/.exec(first)?.[1] ?? '')
  expect(existsSync(path), `${first} must name a file that is not there yet`).toBe(false)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, rest.join('\n'))
}

/** Changes files as a reader would: the lines of each hunk are looked up and replaced. */
function applyDiff(code: string): void {
  for (const part of code.split(/^--- /m).slice(1)) {
    const [name = '', ...lines] = part.trimEnd().split('\n')
    const path = join(copy, name)
    let source = readFileSync(path, 'utf8')
    for (const hunk of lines.join('\n').split(/^@@\n/m)) {
      const kept = linesOf(hunk, '-')
      const places = source.split(kept).length - 1
      expect(places, `${name} must hold once:\n${kept}`).toBe(1)
      source = source.replace(kept, () => linesOf(hunk, '+'))
    }
    writeFileSync(path, source)
  }
}

/** The lines of a hunk as they are before (`-`) or after (`+`) it. */
function linesOf(hunk: string, side: '-' | '+'): string {
  return hunk
    .trimEnd()
    .split('\n')
    .filter((line) => line.startsWith(' ') || line.startsWith(side))
    .map((line) => `${line.slice(1)}\n`)
    .join('')
}

/** Runs a command of the document in the copy. @returns what it printed. */
async function run(line: string): Promise<string> {
  const [program, name, ...words] = line.replace(/#.*/, '').trim().split(/\s+/)
  const script =
    program === 'npm' && `${name} ${words.join(' ')}` === 'run build'
      ? [join(copy, 'scripts/build.mjs'), '--no-page']
      : program === 'npx' && name === 'vitest'
        ? [VITEST, ...words]
        : program === 'npx' && name === 'layerswarm'
          ? [join(copy, 'apps/cli/bin/layerswarm.js'), ...words]
          : undefined
  if (script === undefined) throw new Error(`no test runs: ${line}`)
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([key]) => !/^VITEST|^NODE_ENV$|^TEST$/.test(key)),
  )
  const child = spawn(process.execPath, script, {
    cwd: copy,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let printed = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (data: string) => {
      printed += data
    })
  }
  const code = await new Promise((resolve) => child.once('close', resolve))
  expect(code, `${line}\n${printed}`).toBe(0)
  return printed
}

/** Does what a section says, in its order. @returns what its commands printed. */
async function follow(heading: string): Promise<string> {
  const blocks = blocksUnder(heading)
  expect(blocks.length).toBeGreaterThan(1)
  const printed: string[] = []
  for (const { language, code } of blocks) {
    if (language === 'ts') writeNew(code)
    else if (language === 'diff') applyDiff(code)
    else for (const line of code.trim().split('\n')) printed.push(await run(line))
  }
  return printed.join('\n')
}

describe('CONTRIBUTING.md', () => {
  test('names four recipes', () => {
    const headings = [...text.matchAll(/^## (Add .*)$/gm)].map(([, heading]) => heading)
    expect(headings).toEqual(['Add a policy', 'Add a scenario', 'Add an engine', 'Add a message'])
  })

  test('begins with what CI runs, and a fuzz that passes', async () => {
    const [block] = blocksUnder('Build, test, one seed, done')
    const lines = (block?.code ?? '').trim().split('\n')
    const commands = lines.map((line) => line.replace(/#.*/, '').trim())
    const ci = readFileSync(join(root, '.ci/run'), 'utf8').split('\n')
    expect(ci).toContain(commands[0])
    expect(ci).toContain(commands[1])
    expect(`${ci.at(-2)} -- --unit`).toBe(commands[2])
    expect(commands[3]).toMatch(/^npx layerswarm simulate --fuzz 20 /)
    await run('npm run build')
    expect(await run(commands[3] ?? '')).toContain('0 worlds broke a promise')
  })

  // Policies are handed in through options once the file with their interface is there.
  const hasPolicies = existsSync(join(root, 'packages/swarm/src/claims/policy.ts'))
  test.skipIf(!hasPolicies)('adds a policy', async () => {
    expect(await follow('Add a policy')).toMatch(/^1 passed, 0 failed/m)
  })

  test('adds a scenario', async () => {
    const printed = await follow('Add a scenario')
    expect(printed).toMatch(/[1-9]\d* passed, 0 failed/)
    expect(printed).toMatch(/trains[\s\S]*\| any-order \| \d/)
  })

  test('adds an engine', async () => {
    // The cases of the acceptance suite, and one more.
    expect(await follow('Add an engine')).toMatch(/^2[0-4] passed, 0 failed/m)
  })

  test('adds a message', async () => {
    expect(await follow('Add a message')).toMatch(/[1-9]\d* passed, 0 failed/)
  })

  test('leaves a tree whose types hold', () => run('npm run build'))
})
