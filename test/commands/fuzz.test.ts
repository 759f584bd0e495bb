import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'layerswarm-fuzz-test-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** So much of a long form is run here. */
const SHORT: Readonly<Record<string, string>> = {
  '--cases': '1500',
  '--executions': '12000',
  '--seconds': '3',
  '--runs': '4',
  '--corpus': join(folder, 'corpus'),
}

/** The commands that a document shows, as words behind `node scripts/fuzz.mjs`. */
function commandsOf(document: string): string[][] {
  const text = readFileSync(join(root, document), 'utf8')
  return [...text.matchAll(/^node scripts\/fuzz\.mjs ([^#\n]*)/gm)].map(([, words = '']) =>
    words.trim().split(/ +/),
  )
}

async function fuzz(words: readonly string[]): Promise<{ code: number | null; printed: string }> {
  const script = join(root, 'scripts/fuzz.mjs')
  const child = spawn(process.execPath, [script, ...words, '--findings', folder], { cwd: folder })
  let printed = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      printed += text
    })
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  return { code, printed }
}

const shown = [...commandsOf('docs/fuzzing.md'), ...commandsOf('CONTRIBUTING.md')]
const LAST: Readonly<Record<string, RegExp>> = {
  properties: /^15\d\d cases of \d+ decoders in [\d.]+ s, 0 findings, \d+ MiB/m,
  decoders: /^\d+ executions in [\d.]+ s \(\d+\/s\), \d+ inputs, \d+ places, 0 findings/m,
  member: /^4 runs, \d+ actions, \d+ messages in .* 0 findings/m,
}

describe('node scripts/fuzz.mjs', () => {
  test('is shown with each of its commands', () => {
    const names = new Set(shown.map(([name]) => name))
    expect([...names].toSorted()).toEqual(['decoders', 'member', 'properties', 'replay'])
  })

  const runs = shown
    .filter(([name]) => name !== 'replay')
    .map((words) => [words.join(' '), words] as const)
  test.each(runs)('runs %s', async (_line, words) => {
    const short = words.map((word, at) => SHORT[words[at - 1] ?? ''] ?? word)
    const { code, printed } = await fuzz(short)
    expect(printed).toMatch(LAST[words[0] ?? ''] ?? /^$/)
    expect(code, printed).toBe(0)
  })

  test('goes on with a corpus where it stopped', async () => {
    const words = [
      'decoders',
      '--target',
      'model/idx',
      '--executions',
      '3000',
      '--corpus',
      join(folder, 'two'),
    ]
    expect((await fuzz(words)).printed).toContain('turn 0')
    const { printed } = await fuzz(words)
    expect(printed).toMatch(/turn [1-9]/)
  })

  test('repeats a finding by its name, and says when nothing is wrong any more', async () => {
    const kept = { target: 'model/idx', kind: 'TypeError', input: 'hex 00000801' }
    writeFileSync(join(folder, 'model.idx-0123abcd.json'), JSON.stringify(kept))
    const { code, printed } = await fuzz(['replay', 'model.idx-0123abcd'])
    expect([code, printed]).toEqual([0, 'model/idx: nothing is wrong\n'])
  })

  test.each([
    [['sometimes'], /^fuzz: say what to do/],
    [['member', '--runs', 'many'], /^fuzz: --runs takes a whole number from 0, not "many"/],
    [['decoders', '--loud'], /^fuzz: Unknown option '--loud'/],
    [['decoders', '--target', 'nothing'], /no decoder is named "nothing"/],
  ])('refuses %j in a line', async (words, line) => {
    const { code, printed } = await fuzz(words)
    expect(printed).toMatch(line)
    expect(code).not.toBe(0)
  })
})
