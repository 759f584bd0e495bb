import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeRelease } from '../support/make-release.ts'
import { grayPng } from '../support/pictures.ts'
import { type RunningSwarm, startCommand, startSwarm } from '../support/run-command.ts'
import { COLUMNS, runInTerminal } from '../support/terminal.ts'

let scratch = ''
let release = ''
let picture = ''
let swarm: RunningSwarm

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'layerswarm-terminal-swarm-'))
  release = (await makeRelease(scratch)).folder
  picture = join(scratch, 'shirt.png')
  await writeFile(picture, await grayPng())
  swarm = await startSwarm('--peers', '2', '--port', '0', '--model', release)
})

afterAll(async () => {
  await swarm.end('SIGTERM')
  await rm(scratch, { recursive: true, force: true })
})

/** Lines that are too wide, but for an address or a path that cannot be broken. */
function tooWide(drawn: readonly string[]): string[] {
  return drawn.filter((line) => [...line].length > COLUMNS && line.trim().includes(' '))
}

/** The last line of `up`, in one or two. */
const READY = /ask:[\s\S]*--join\s\S+\r\n/

/** Everything that a command writes into pipes, in the order in which it was read. */
function spoken(...words: string[]): Promise<{ stream: string; text: string }[]> {
  const child = startCommand(...words)
  const said: { stream: string; text: string }[] = []
  for (const stream of ['stdout', 'stderr'] as const)
    child[stream]?.setEncoding('utf8').on('data', (text: string) => said.push({ stream, text }))
  return new Promise((resolve) => child.on('close', () => resolve(said)))
}

describe('classify', () => {
  test.each([
    ['a picture', () => [picture, '--confirm'], /: class \d, \d+\.\d %/],
    ['samples', () => ['--samples', '8'], /^8 of 8 answered/],
  ])(
    '%s: tells what it does from the first line on, in 80 columns',
    async (_what, what, answer) => {
      const { code, drawn, left } = await runInTerminal([
        'classify',
        ...what(),
        '--join',
        swarm.url,
      ])
      expect(code).toBe(0)
      expect(drawn[0]).toBe('joining the swarm')
      const at = drawn.findIndex((line) => answer.test(line))
      expect(drawn.findIndex((line) => line.startsWith('asking'))).toBeLessThan(at)
      expect(drawn.slice(0, at).some((line) => line.startsWith('joining: '))).toBe(true)
      // Of all that nothing is left.
      expect(left[0]).toMatch(answer)
      expect(left.filter((line) => /^(joining|asking)/.test(line))).toEqual([])
      expect(tooWide(drawn)).toEqual([])
    },
  )

  test('says the same into a pipe, in lines of their own', async () => {
    const said = await spoken('classify', picture, '--join', swarm.url)
    expect(said[0]).toEqual({
      stream: 'stderr',
      text: expect.stringMatching(/^joining the swarm\n/),
    })
    const told = said.filter(({ stream }) => stream === 'stderr').map(({ text }) => text)
    expect(told.join('')).toMatch(/^asking about .*shirt\.png$/m)
    expect(told.join('')).not.toContain('\r')
  })

  test('leaves a terminal as it found it when it fails', async () => {
    const { code, left } = await runInTerminal(['classify', 'no.png', '--join', swarm.url])
    expect(code).toBe(1)
    expect(left).toEqual(['layerswarm: no.png does not exist'])
  })
})

describe('up', () => {
  test('leaves five lines', async () => {
    const words = ['up', '--peers', '1', '--port', '0', '--model', release]
    const { drawn, left } = await runInTerminal(words, READY)
    expect(drawn[0]).toBe('starting the server')
    expect(drawn.some((line) => /of 4 layers have a host/.test(line))).toBe(true)
    expect(left.map((line) => line.split(' ')[0])).toEqual([
      'ready',
      'open',
      'only',
      'join',
      'ask:',
    ])
    expect(tooWide(drawn)).toEqual([])
  })

  test('keeps a command that is too wide for a line one that a shell takes', async () => {
    const words = ['up', '--peers', '0', '--port', '0', '--model', release, '--private']
    const { left } = await runInTerminal(words, READY)
    expect(left.join('\n')).toMatch(/^ {2}npx layerswarm peer --join \\\n {4}http:\S+$/m)
    expect(tooWide(left)).toEqual([])
  })
})

test('demo counts what is answered, and tells of nothing but who was killed', async () => {
  // So many that they take longer than the screen needs between two lines of progress.
  const words = ['demo', '--samples', '200', '--peers', '2', '--kill', '1', '--model', release]
  const { code, drawn, left } = await runInTerminal(words)
  expect(code).toBe(0)
  expect(drawn.some((line) => /^asking the swarm: \d+ of 200 samples/.test(line))).toBe(true)
  expect(left.filter((line) => /^volunteer \d/.test(line))).toEqual([])
  expect(left.some((line) => line.startsWith('1 of 2 volunteers were killed'))).toBe(true)
  expect(tooWide(drawn)).toEqual([])
})
