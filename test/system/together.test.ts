import type { ChildProcess } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { groupingText, type ModelSpec, parseManifest } from '@layerswarm/model'
import { createPeer, type Peer } from '@layerswarm/peer'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { measureTogether } from '../../apps/cli/src/bench/together.ts'
import {
  type RunningSwarm,
  runCommand,
  startCommand,
  startService,
} from '../support/run-command.ts'

const RELEASE = 'models/fashion-vit-rounds'
/** The shape of the bench's model, a thousandth of its weights. */
const SMALL: ModelSpec = {
  ...{ variant: 'shuffle', imageSize: 28, patchSize: 4, channels: 3, classes: 10 },
  ...{ width: 64, layers: 12, heads: 4, mlpWidth: 128, layerNormEps: 1e-6 },
} as const

test('the bench of peers that add up runs in processes and in tabs, and answers while it kills', async () => {
  const told: string[] = []
  const rows = await measureTogether(
    { spec: SMALL, groups: [4, 4, 4] },
    { rounds: 2, signal: new AbortController().signal, log: (line) => told.push(line) },
  )
  const killed = (of: number) =>
    `what it cost that one of ${of} was killed in mid-round, beside a round of the others`
  expect(rows.map((row) => row.case)).toEqual([
    'one picture, two processes, beside one',
    'tensors of a picture through the hub, beside one tensor',
    'pictures answered while processes were killed, of those asked',
    'pictures with every layer, of those asked',
    killed(3),
    killed(2),
    'one picture, two tabs, beside one',
  ])
  for (const { ours, reference, ratio } of rows) {
    expect(Number.isFinite(ratio)).toBe(true)
    expect(ratio).toBe(ours / reference)
  }
  const [, bytes, answered] = rows
  // Three rounds: x goes out to the other one each time at most, and a sum comes back; of so small a model maybe never.
  expect(bytes?.ratio).toBeLessThanOrEqual(6)
  expect(answered?.ratio).toBe(1)
  expect(told.filter((line) => line.includes('killed in mid-round'))).toHaveLength(2)
})

describe('the model that ships for rounds, in rounds of 4 + 4 by Node peers', () => {
  const SAMPLES = 60
  let swarm: RunningSwarm
  let asker: Peer
  const peers: ChildProcess[] = []

  beforeAll(async () => {
    swarm = await startService('signaling', '--port', '0', '--model', RELEASE)
    for (const layers of ['0,1,2,3,4,5', '0,1,2,3,4,5', '6', '7'])
      peers.push(startCommand('peer', '--join', swarm.url, '--layers', layers, '--no-webrtc'))
    asker = createPeer({ join: swarm.url, serve: 'none', webrtc: false })
    await asker.start()
    while (asker.snapshot().coverage.some((hosts, layer) => hosts < (layer < 6 ? 2 : 1)))
      await new Promise((resolve) => setTimeout(resolve, 100))
  })
  afterAll(async () => {
    await asker?.stop()
    for (const peer of peers) peer.kill('SIGKILL')
    await swarm?.end('SIGTERM')
  })

  const ask = (...flags: string[]) =>
    runCommand('classify', '--samples', String(SAMPLES), '--join', swarm.url, ...flags)

  test('are refused where they cost more than is accepted', async () => {
    const { code, stderr } = await ask('--rounds', '4+4')
    expect(code).toBe(2)
    expect(stderr.trim().split('\n').at(-1)).toBe(
      'layerswarm: fashion-vit-rounds loses 1.16 points in rounds of 4+4, more than --max-loss 0.5: ask with --max-loss 1.16, or --rounds with 2+2+2+2 (0.32 points)',
    )
  })

  test('are as right as the manifest says, and the answer says what crossed the network', async () => {
    const { code, stdout, stderr } = await ask('--rounds', '4+4', '--max-loss', '1.16', '--json')
    expect(code, stderr).toBe(0)
    const report = JSON.parse(stdout) as Report
    expect(report.answered).toBe(SAMPLES)
    // Three standard errors of so few samples.
    const manifest = await readFile(new URL(`../../${RELEASE}/manifest.json`, import.meta.url))
    const share = parseManifest(manifest).rounds?.['4+4'] ?? Number.NaN
    const error = Math.sqrt((share * (1 - share)) / SAMPLES)
    expect(report.accuracy).toBeGreaterThan(share - 3 * error)
    const { requester, executor } = report.bytes
    // A tensor of 50 tokens of 64 halves leaves in every round; what a round leaves on a busy machine is run as a tour.
    const tensor = 50 * 64 * 2
    expect(requester.sent).toBeGreaterThan(tensor)
    const inRounds = Object.values(report.rounds).reduce((sum, count) => sum + count, 0)
    expect(inRounds).toBeGreaterThan(SAMPLES / 2)
    // Where all of them were in rounds, each role is told of.
    if (inRounds < SAMPLES) expect(executor).toBeUndefined()
    else expect(executor?.received).toBeCloseTo(requester.sent / (executor?.peers ?? 0), 6)
  })

  test('call a chess board foreign, in words and as JSON, and a sample not', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'layerswarm-foreign-'))
    try {
      const files = await foreignAndSample(folder)
      // What a layer is missing from has no verdict.
      const whole = ['--join', swarm.url, '--min-layers', '8']
      const said = await runCommand('classify', ...files, ...whole)
      const json = await runCommand('classify', ...files, ...whole, '--json')
      expect(said.code, said.stderr).toBe(0)
      expect(json.code, json.stderr).toBe(0)
      expect(said.stdout.match(/unlike anything I was trained on/gi)).toHaveLength(1)
      const { answers } = JSON.parse(json.stdout) as { answers: { novel: boolean }[] }
      expect(answers.map(({ novel }) => novel)).toEqual([true, false])
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })

  test('go on without the layers whose only hosts are killed in the middle, and say so', async () => {
    const { spec } = asker.manifest
    const pixels = spec.channels * spec.imageSize ** 2
    const image = { shape: [1, 1, 28, 28], data: new Float32Array(pixels) }
    const before = await (await asker.classify(image, { rounds: [4, 4] })).answer
    expect(before.route.length + before.missingLayers.length).toBe(spec.layers)
    const { answer, onProgress } = await asker.classify(image, { rounds: [4, 4] })
    const unlisten = onProgress(() => {
      unlisten()
      for (const peer of peers.slice(2)) peer.kill('SIGKILL')
    })
    const during = await answer
    expect(during.route.length + during.missingLayers.length).toBe(spec.layers)
    for (let picture = 0; picture < 5; picture++) {
      const { route, rounds, missingLayers } = await (
        await asker.classify(image, { rounds: [4, 4] })
      ).answer
      expect(missingLayers).toEqual(expect.arrayContaining([6, 7]))
      expect(route.length + missingLayers.length).toBe(spec.layers)
      expect(
        rounds.reduce((sum, size) => sum + size, 0),
        groupingText(rounds),
      ).toBe(route.length)
    }
  })
})

/** Two files: a chess board, and a sample of what the model was trained on. */
async function foreignAndSample(folder: string): Promise<string[]> {
  const side = 28
  const board = Uint8Array.from({ length: side * side }, (_, at) => {
    const [column, row] = [Math.floor((at % side) / 7), Math.floor(at / side / 7)]
    return (column + row) % 2 === 0 ? 0x22 : 0xdd
  })
  const idx = await readFile(
    new URL('../../models/samples/fashion-mnist-500/images.idx3-ubyte', import.meta.url),
  )
  // After 16 bytes of header; the sixth is far from the threshold in any order.
  const sample = idx.subarray(16 + 6 * board.length, 16 + 7 * board.length)
  const raw = { width: side, height: side, channels: 1 } as const
  return Promise.all(
    [board, sample].map(async (pixels, at) => {
      const file = join(folder, `${at}.png`)
      await sharp(pixels, { raw }).toFile(file)
      return file
    }),
  )
}

interface Report {
  readonly answered: number
  readonly accuracy: number
  readonly partial: number
  readonly rounds: Readonly<Record<string, number>>
  readonly bytes: {
    readonly requester: { readonly sent: number; readonly received: number }
    readonly executor?: { readonly peers: number; readonly received: number }
  }
}
