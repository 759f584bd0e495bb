import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { makeRelease, vectors } from '../support/make-release.ts'
import { runCommand } from '../support/run-command.ts'
import { COLUMNS, runInTerminal, type Shown } from '../support/terminal.ts'

const shuffle = join(vectors, 'vit-shuffle')
let scratch = ''
let release = ''

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'layerswarm-terminal-'))
  release = (await makeRelease(scratch)).folder
})

afterAll(() => rm(scratch, { recursive: true, force: true }))

/** Lines that are too wide, but for one word that cannot be broken: an address, a path or a hash. */
function tooWide({ drawn }: Shown): string[] {
  return drawn.filter((line) => [...line].length > COLUMNS && line.trim().includes(' '))
}

/** What people at a terminal see of short commands, and a line that each of them leaves. */
const SEEN: readonly [string, () => string[], number, RegExp][] = [
  ['the overview', () => [], 0, /^ {2}classify +ask a swarm/],
  ['a help', () => ['simulate', '--help'], 0, /^ {2}layerswarm simulate SCENARIO/],
  ['a version', () => ['--version'], 0, /^\d+\.\d+\.\d+/],
  [
    'forward',
    () => ['forward', shuffle, '--images', join(shuffle, 'expected.json')],
    0,
    /^image 0: class \d$/,
  ],
  [
    'import',
    () => ['import', shuffle, '--out', join(scratch, 'imported')],
    0,
    /: shuffle, 4 layers/,
  ],
  [
    'merge',
    () => [
      'merge',
      join(scratch, 'imported'),
      join(scratch, 'imported'),
      '--out',
      join(scratch, 'merged'),
    ],
    0,
    /layers .* from/,
  ],
  [
    'publish',
    () => [
      'publish',
      join(scratch, 'training'),
      '--out',
      release,
      '--key',
      join(scratch, 'keys', 'publisher.key'),
    ],
    0,
    /^tiny-vit /,
  ],
  [
    'a scenario',
    () => ['simulate', 'tabs', '--peers', '12', '--requests', '20', '--no-accuracy'],
    0,
    /^any-order +100\.0 % +0\.0 %/,
  ],
  [
    'a comparison',
    () => [
      'simulate',
      'compare',
      '--peers',
      '8',
      '--requests',
      '5',
      '--scenarios',
      'calm',
      '--no-accuracy',
    ],
    0,
    /^policy +seed +requests/,
  ],
  [
    'a sweep',
    () => [
      'simulate',
      'churn',
      '--peers',
      '8',
      '--requests',
      '5',
      '--rates',
      '10,20',
      '--no-accuracy',
    ],
    0,
    /^ +10\.0 % +100\.0 %/,
  ],
  ['a search', () => ['simulate', '--fuzz', '2'], 0, /^2 worlds from seed 1/],
  [
    'an error of many words',
    () => ['simulate', 'nothing-of-the-kind', '--no-accuracy'],
    2,
    /^layerswarm: /,
  ],
]

test.each(SEEN)('%s fits a terminal of 80 columns', async (_what, words, code, line) => {
  const shown = await runInTerminal(words())
  expect(
    shown.left.some((one) => line.test(one)),
    shown.left.join('\n'),
  ).toBe(true)
  expect(shown.code).toBe(code)
  expect(tooWide(shown)).toEqual([])
})

test('progress stands on a terminal from the start, and nothing of it is left', async () => {
  const { drawn, left } = await runInTerminal([
    'forward',
    shuffle,
    '--images',
    join(shuffle, 'expected.json'),
  ])
  expect(drawn[0]).toBe('running the model')
  expect(left).toEqual(['image 0: class 1', 'image 1: class 1'])
})

test('a report for a file stays Markdown, each of its lines whole', async () => {
  const { stdout, stderr } = await runCommand(
    'simulate',
    'tabs',
    '--peers',
    '12',
    '--requests',
    '20',
    '--no-accuracy',
  )
  expect(stdout).toMatch(/^\| any-order \| 100\.0 % \|/m)
  expect(stdout).toMatch(/^\| --- \|/m)
  expect(stderr).not.toContain('\r')
})

test('what a shell reads is not broken', async () => {
  const { left } = await runInTerminal(['completion', 'bash'])
  expect(`${left.join('\n')}\n`).toBe((await runCommand('completion', 'bash')).stdout)
})
