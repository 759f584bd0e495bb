import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeRelease } from './make-release.ts'
import { type RunningSwarm, runCommand, startSwarm } from './run-command.ts'

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

/** Any picture; sharp is a dependency of the command. */
async function grayPng(): Promise<Uint8Array> {
  const cli = fileURLToPath(new URL('../../apps/cli/package.json', import.meta.url))
  const sharp = createRequire(cli)('sharp')
  return sharp({ create: { width: 40, height: 30, channels: 3, background: '#808080' } })
    .png()
    .toBuffer()
}

describe('up', () => {
  it('serves what a newcomer needs', async () => {
    const bootstrap = await (await fetch(`${swarm.url}/bootstrap.json`)).json()
    expect(bootstrap).toMatchObject({ protocol: 1, releases: [{ name: 'tiny-vit' }] })
    expect((await fetch(`${swarm.url}/readyz`)).status).toBe(200)
  })

  it('says in one line that its port is taken', async () => {
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

  it('takes its volunteers along when it is killed', async () => {
    const other = await startSwarm('--peers', '1', '--port', '0', '--model', release)
    expect(other.volunteers).toHaveLength(1)
    await other.end('SIGKILL')
    await expect.poll(() => other.volunteers.filter(isAlive), { timeout: 20_000 }).toEqual([])
  })

  it('ends with 0 and leaves no volunteer behind when it is asked to stop', async () => {
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
  it('answers samples and says how', async () => {
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

  it('answers a picture in the order that is asked for', async () => {
    const words = ['classify', picture, '--join', swarm.url, '--order', '3,1,0,2', '--json']
    const { code, stdout } = await runCommand(...words)
    expect(code).toBe(0)
    const answer = JSON.parse(stdout) as ImageAnswer
    expect(answer.hops.map(({ layer }) => layer)).toEqual([3, 1, 0, 2])
    expect(answer.label).toMatch(/^class \d$/)
    expect(answer.missingLayers).toEqual([])
    expect(answer.probabilities.reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 4)
    expect(answer.confidence).toBe(Math.max(...answer.probabilities))
  })

  it('averages the answers of several orders', async () => {
    const words = ['classify', picture, '--join', swarm.url, '--orders', '3', '--json']
    const answer = JSON.parse((await runCommand(...words)).stdout) as ImageAnswer
    expect(answer.hops).toHaveLength(12)
    expect(answer.probabilities.reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 4)
  })

  it('says in one line what is wrong', async () => {
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
  it('refuses a layer that the model does not have', async () => {
    const { code, stderr } = await runCommand('peer', '--join', swarm.url, '--layers', '1,4')
    expect(code).toBe(2)
    expect(stderr.trim().split('\n').at(-1)).toMatch(/layer 4 does not exist/)
  })
})

describe('demo', () => {
  it('answers every sample although volunteers are killed on the way', async () => {
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

describe('bench', () => {
  it('sets hops, small ones and those of streamed tensors, beside an echo of the same bytes', async () => {
    const { code, stdout, stderr } = await runCommand('bench', 'hop', '--rounds', '3', '--json')
    expect(code, stderr).toBe(0)
    const { name, rows } = JSON.parse(stdout) as { name: string; rows: Record<string, number>[] }
    expect(name).toBe('hop')
    expect(rows).toHaveLength(2)
    for (const { ours = 0, reference = 0, ratio } of rows) {
      expect(ours).toBeGreaterThan(0)
      expect(reference).toBeGreaterThan(0)
      expect(ratio).toBe(ours / reference)
    }
  })
})
