import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { grayPng, noisyJpeg } from '../support/pictures.ts'
import { type RunningSwarm, startSwarm } from '../support/run-command.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const FOLDERS = readdirSync(join(root, 'examples')).filter(
  (name) => name !== 'dist' && statSync(join(root, 'examples', name)).isDirectory(),
)

let scratch = ''
/** Nobody serves here but the example that does. */
let swarm: RunningSwarm
let server: Running

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'layerswarm-examples-'))
  await writeFile(join(scratch, 'photo.png'), await grayPng())
  swarm = await startSwarm('--peers', '0', '--port', '0')
  server = start('node examples/serve-from-node/serve.js http://127.0.0.1:9000 8')
  await server.says(/hosting layers 0, 1, 2, 3, 4, 5, 6, 7/)
})

afterAll(async () => {
  server?.child.kill('SIGKILL')
  await swarm?.end('SIGTERM')
  await rm(scratch, { recursive: true, force: true })
})

interface Running {
  readonly child: ChildProcess
  readonly ended: Promise<number | null>
  /** Everything printed so far, results and errors. */
  text(): string
  /** Resolves when this was printed. @throws Error when the process ends before. */
  says(words: RegExp): Promise<void>
}

/** Starts a command as printed in a README, but for the address and names of files. */
function start(line: string): Running {
  const places: Readonly<Record<string, string>> = {
    'http://127.0.0.1:9000': swarm.url,
    'photo.png': join(scratch, 'photo.png'),
  }
  const words = line.split(' ').slice(1)
  const child = spawn(
    process.execPath,
    words.map((word) => places[word] ?? word),
    { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] },
  )
  let text = ''
  const listeners = new Set<() => void>()
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (data: string) => {
      text += data
      for (const listener of listeners) listener()
    })
  }
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  return {
    child,
    ended,
    text: () => text,
    says: (words) =>
      new Promise((resolve, reject) => {
        const look = () => words.test(text) && resolve()
        listeners.add(look)
        look()
        void ended.then((code) => reject(new Error(`${line} ended with ${code}: ${text}`)))
      }),
  }
}

/** Runs a command to its end and expects success. @returns what it printed. */
async function run(line: string): Promise<string> {
  const { ended, text } = start(line)
  expect(await ended, text()).toBe(0)
  return text()
}

const SVG =
  '<svg xmlns="http://www.w3.org/2000/svg" width="28" height="28"><rect width="9" height="9"/></svg>'

const ANSWER = /^[A-Z][\w/ -]*, \d+\.\d %\nlayers in this order: [0-7](, [0-7]){7}\n$/

/** Policies are handed in through options once this file is there; until then one example waits. */
const HAS_POLICIES = existsSync(join(root, 'packages/swarm/src/claims/policy.ts'))

/** Every command that an example's README shows, and what it must do. */
const COMMANDS: Readonly<Record<string, (line: string) => Promise<void>>> = {
  'node examples/ask-from-node/ask.js http://127.0.0.1:9000': async (line) => {
    expect(await run(line)).toMatch(ANSWER)
    expect(server.text()).toMatch(/ran layer [0-7] in [\d.]+ ms/)
  },
  'node examples/ask-from-node/ask.js http://127.0.0.1:9000 photo.png': async (line) => {
    expect(await run(line)).toMatch(ANSWER)
  },
  'node examples/policy-in-the-lab/policy.js': async (line) => {
    const figures = String.raw`: \d+\.\d % answered, p50 \d+ ms, p95 \d+ ms, \d+\.\d % extra work\n`
    expect(await run(line)).toMatch(new RegExp(`^shipped${figures}one-layer${figures}$`))
  },
  'node examples/serve-from-node/serve.js http://127.0.0.1:9000': async (line) => {
    const { child, ended, says, text } = start(line)
    await says(/^hosting layers [0-7], [0-7]$/m)
    child.kill('SIGTERM')
    expect(await ended, text()).toBe(0)
  },
  // The pages are opened in a browser by embedding.test.ts, which builds this one.
  'npx vite build examples/vite-page': async () => {
    expect(existsSync(join(root, 'examples/vite-page/vite.config.js'))).toBe(true)
  },
  // Started before the others, which it answers; it ends here.
  'node examples/serve-from-node/serve.js http://127.0.0.1:9000 8': async () => {
    server.child.kill('SIGINT')
    expect(await server.ended, server.text()).toBe(0)
  },
}

describe('the examples', () => {
  test('have a README of a few lines each, which shows the commands that this file runs', () => {
    const texts = FOLDERS.map((name) =>
      readFileSync(join(root, 'examples', name, 'README.md'), 'utf8'),
    )
    for (const text of texts) expect(text.trim().split('\n').length).toBeLessThan(12)
    const shown = texts.flatMap((text) => text.match(/^(?:node|npx|npm) .*$/gm) ?? [])
    expect(shown.toSorted()).toEqual(Object.keys(COMMANDS).toSorted())
  })

  test('are checked by the compiler, but for one that waits for policies', () => {
    const { exclude } = JSON.parse(readFileSync(join(root, 'examples/tsconfig.json'), 'utf8'))
    expect(exclude).toEqual(HAS_POLICIES ? ['dist'] : ['dist', 'policy-in-the-lab'])
  })

  for (const [line, check] of Object.entries(COMMANDS)) {
    test.skipIf(line.includes('/policy-in-the-lab/') && !HAS_POLICIES)(line, () => check(line))
  }

  test('ask-from-node says in one line which picture it cannot read, and why', async () => {
    const says: [name: string, bytes: Uint8Array | string, line: string][] = [
      ['drawing.svg', SVG, 'is SVG, which cannot be read here; save it as PNG or JPEG'],
      [
        'half.jpg',
        (await noisyJpeg()).subarray(0, 3_000),
        'is cut off: its end is missing; copy or download it again',
      ],
    ]
    for (const [name, bytes, line] of says) {
      const path = join(scratch, name)
      await writeFile(path, bytes)
      const { ended, text } = start(`node examples/ask-from-node/ask.js ${swarm.url} ${path}`)
      expect(await ended, text()).toBe(1)
      expect(text()).toBe(`${path} ${line}\n`)
    }
  })

  test.each(['abc', '0', '-1', '1.5'])(
    'serve-from-node says in one line that %s is no number of layers',
    async (count) => {
      const { ended, text } = start(`node examples/serve-from-node/serve.js ${swarm.url} ${count}`)
      expect(await ended).toBe(1)
      expect(text()).toBe(`LAYERS must be a whole number from 1, not ${count}\n`)
    },
  )

  test.each(['ask-from-node/ask.js', 'serve-from-node/serve.js'])(
    '%s says in one line that there is no server',
    async (file) => {
      const { ended, text } = start(`node examples/${file} http://127.0.0.1:1`)
      expect(await ended).toBe(1)
      expect(text().trim().split('\n')).toHaveLength(1)
    },
  )
})
