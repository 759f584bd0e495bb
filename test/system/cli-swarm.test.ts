import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeRelease } from '../support/make-release.ts'
import { grayPng } from '../support/pictures.ts'
import { type RunningSwarm, runCommand, runCommandIn, startSwarm } from '../support/run-command.ts'

interface ImageAnswer {
  label: string
  confidence: number
  probabilities: number[]
  hops: { layer: number; peer: string; backend: string; ms: number }[]
  missingLayers: number[]
  totalMs: number
}

let scratch = ''
let release = ''
let swarm: RunningSwarm
let picture = ''

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'layerswarm-swarm-'))
  release = (await makeRelease(scratch)).folder
  picture = join(scratch, 'shirt.png')
  await writeFile(picture, await grayPng())
  swarm = await startSwarm('--peers', '2', '--port', '0', '--model', release)
})

afterAll(async () => {
  await swarm.end('SIGTERM')
  await rm(scratch, { recursive: true, force: true })
})

describe('up', () => {
  test('serves what a newcomer needs', async () => {
    const bootstrap = await (await fetch(`${swarm.url}/bootstrap.json`)).json()
    expect(bootstrap).toMatchObject({ protocol: 5, releases: [{ name: 'tiny-vit' }] })
    expect((await fetch(`${swarm.url}/readyz`)).status).toBe(200)
  })

  test('says in one line that its port is taken', async () => {
    const { port } = new URL(swarm.url)
    const { code, stderr, stdout } = await runCommand(
      'up',
      '--peers',
      '0',
      '--port',
      port,
      '--model',
      release,
    )
    expect(code).toBe(1)
    expect(stdout).toBe('')
    expect(stderr.trim().split('\n').at(-1)).toMatch(
      new RegExp(`^layerswarm: port ${port} is in use`),
    )
  })

  test('takes its volunteers along when it is killed', async () => {
    const other = await startSwarm('--peers', '1', '--port', '0', '--model', release)
    expect(other.volunteers).toHaveLength(1)
    await other.end('SIGKILL')
    await expect.poll(() => other.volunteers.filter(isAlive), { timeout: 20_000 }).toEqual([])
  })

  test('ends with 0 and leaves no volunteer behind when it is asked to stop', async () => {
    const other = await startSwarm('--peers', '1', '--port', '0', '--model', release)
    expect(await other.end('SIGTERM')).toBe(0)
    expect(other.volunteers.filter(isAlive)).toEqual([])
  })
})

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

describe('classify', () => {
  test('answers samples and says how', async () => {
    const { code, stdout } = await runCommand(
      'classify',
      '--samples',
      '8',
      '--join',
      swarm.url,
      '--json',
    )
    expect(code).toBe(0)
    const report = JSON.parse(stdout) as Record<string, unknown>
    expect(report).toMatchObject({
      samples: 8,
      answered: 8,
      partial: 0,
      killed: 0,
      backends: ['ort-node'],
    })
    expect(report.p95Ms).toBeGreaterThanOrEqual(report.p50Ms as number)
    expect(report.distinctOrders).toBeGreaterThan(0)
    expect(report.accuracy).toBe((report.correct as number) / 8)
  })

  test('answers a picture in the order that is asked for', async () => {
    const words = ['classify', picture, '--join', swarm.url, '--order', '3,1,0,2', '--json']
    // On a busy machine a host may not have been heard of yet: then it is waited for.
    const { code, stdout } = await runCommand(...words, '--min-layers', '4')
    expect(code).toBe(0)
    const answer = JSON.parse(stdout) as ImageAnswer
    expect(answer.hops.map(({ layer }) => layer)).toEqual([3, 1, 0, 2])
    expect(answer.label).toMatch(/^class \d$/)
    expect(answer.missingLayers).toEqual([])
    expect(answer.probabilities.reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 4)
    expect(answer.confidence).toBe(Math.max(...answer.probabilities))
  })

  test('averages the answers of several orders', async () => {
    const words = ['classify', picture, '--join', swarm.url, '--orders', '3', '--json']
    const answer = JSON.parse((await runCommand(...words)).stdout) as ImageAnswer
    expect(answer.hops).toHaveLength(12)
    expect(answer.probabilities.reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 4)
  })

  test('says in one line what is wrong', async () => {
    const cases: [string[], number, RegExp][] = [
      [['--join', swarm.url], 2, /either IMAGE… or --samples/],
      [[picture, '--join', swarm.url, '--order', '0,9'], 2, /layer 9 does not exist/],
      [
        [picture, '--join', swarm.url, '--min-layers', '9'],
        2,
        /--min-layers 9 is more than the 4 layers/,
      ],
      [[join(scratch, 'release', 'manifest.json'), '--join', swarm.url], 1, /is no picture/],
      [[picture, '--join', 'http://127.0.0.1:1'], 1, /127\.0\.0\.1:1/],
      [[picture, '--join', swarm.url, '--release', 'nope'], 1, /nope/],
    ]
    for (const [words, exit, message] of cases) {
      const { code, stderr, stdout } = await runCommand('classify', ...words, '--json')
      expect(stderr).toMatch(message)
      expect(stderr.trim().split('\n')).toHaveLength(1)
      expect(code).toBe(exit)
      expect(JSON.parse(stdout)).toHaveProperty('error.code')
    }
  })
})

describe('peer', () => {
  test('refuses a layer that the model does not have', async () => {
    const { code, stderr } = await runCommand('peer', '--join', swarm.url, '--layers', '1,4')
    expect(code).toBe(2)
    expect(stderr.trim().split('\n').at(-1)).toMatch(/layer 4 does not exist/)
  })
})

describe('demo', () => {
  test('answers every sample although volunteers are killed on the way', async () => {
    const words = [
      'demo',
      '--samples',
      '12',
      '--peers',
      '3',
      '--kill',
      '1',
      '--model',
      release,
      '--json',
    ]
    const { code, stdout, stderr } = await runCommand(...words)
    expect(code, stderr).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ samples: 12, answered: 12, killed: 1 })
  })
})

interface BenchReport {
  name: string
  rows: {
    case: string
    ours: number
    reference: number
    ratio: number
    unit: string
    parts?: { part: string; ours: number }[]
  }[]
}

async function runBench(...words: string[]): Promise<BenchReport> {
  const { code, stdout, stderr } = await runCommand('bench', ...words, '--json')
  expect(code, stderr).toBe(0)
  return JSON.parse(stdout) as BenchReport
}

describe('bench', () => {
  test('sets hops between processes and between tabs beside an echo of the same bytes', async () => {
    const { name, rows } = await runBench('hop', '--rounds', '2')
    expect(name).toBe('hop')
    expect(rows.map((row) => row.case)).toEqual(
      ['two processes', 'two tabs'].flatMap((places) =>
        ['inline, 0.6 KiB', 'pushed, 6 KiB', 'pushed, 294 KiB'].flatMap((activation) => [
          `one hop between ${places}, ${activation}`,
          `a whole request of one hop between ${places}, ${activation}`,
        ]),
      ),
    )
    for (const { case: what, ours, reference, ratio, unit, parts = [] } of rows) {
      expect(unit).toBe('ms')
      expect(ratio).toBe(ours / reference)
      // The parts of a hop are the whole of it.
      expect(parts).toHaveLength(what.startsWith('one hop') ? 7 : 0)
      if (parts.length > 0)
        expect(parts.reduce((sum, part) => sum + part.ours, 0)).toBeCloseTo(ours, 6)
      // Faster than memory can be copied, or slower than a stall, is no hop and no echo.
      for (const ms of [ours, reference]) {
        expect(ms).toBeGreaterThan(0.05)
        expect(ms).toBeLessThan(1_500)
      }
    }
    // Fifty times the bytes take longer.
    const [, , small, , large] = rows
    expect(large?.reference).toBeGreaterThan(small?.reference ?? Number.NaN)
    expect(large?.ours).toBeGreaterThan(small?.ours ?? Number.NaN)
  })

  test('says in one line why there are no hops between tabs, and measures the others', async () => {
    const words = ['bench', 'hop', '--rounds', '1', '--json']
    const none = { LAYERSWARM_CHROMIUM: join(scratch, 'no-chromium') }
    const { code, stdout, stderr } = await runCommandIn(none, ...words)
    expect(code, stderr).toBe(0)
    expect((JSON.parse(stdout) as BenchReport).rows).toHaveLength(6)
    expect(stderr.split('\n').filter((line) => line.includes('tabs are not measured'))).toEqual([
      expect.stringContaining('LAYERSWARM_CHROMIUM'),
    ])
  })

  test('sets the memory of a provider beside its bound, and beside itself half-way', async () => {
    const { name, rows } = await runBench('memory', '--rounds', '40')
    expect(name).toBe('memory')
    expect(rows.map((row) => row.case)).toEqual([
      'resident memory after 40 requests / bound',
      'resident memory, request 40 / 20',
      'heap after garbage collection, request 40 / 20',
      'buffers outside the heap, request 40 / 20',
    ])
    const [bound, resident, heap, buffers] = rows
    expect(bound?.reference).toBe(300)
    // Read right after the last request, while what it did is still remembered.
    expect(bound?.ours).toBeGreaterThan(60)
    for (const row of rows) {
      expect(row.unit).toBe('MB')
      expect(row.ratio).toBe(row.ours / row.reference)
    }
    // Node with ONNX Runtime and libp2p takes more than 60 MB; its heap and its buffers are parts of that.
    expect(resident?.ours).toBeGreaterThan(60)
    expect(resident?.ours).toBeLessThan(300)
    expect(heap?.ours).toBeGreaterThan(5)
    expect((heap?.ours ?? 0) + (buffers?.ours ?? 0)).toBeLessThan(resident?.ours ?? 0)
    expect(heap?.ratio).toBeLessThan(1.5)
  })

  test('names the bench that was meant', async () => {
    const { code, stderr } = await runCommand('bench', 'hops')
    expect(code).toBe(2)
    expect(stderr).toMatch(/did you mean "hop"/)
  })
})
