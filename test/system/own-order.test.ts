import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  RECEIPT_FORMAT,
  randomTensor,
  receiptText,
  releaseId,
  replayRun,
  type Tensor,
} from '@layerswarm/model'
import { createPeer, type Peer } from '@layerswarm/peer'
import { createNodeEngine } from '@layerswarm/peer/node'
import type { Answer } from '@layerswarm/swarm'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from '../../packages/peer/src/testing/test-nodes.ts'
import { type RunningSwarm, runCommand, startSwarm } from '../support/run-command.ts'

const MODEL = fileURLToPath(new URL('../../models/fashion-vit-sequential', import.meta.url))
const REQUESTS = 12
/** Of these, how many are answered before a volunteer is killed. */
const BEFORE = 3
/** Hosts change a layer every three seconds; seen within nine on two cores. */
const HOSTED_TWICE_MS_MAX = 60_000
/** Largest difference of a logit, as a share of their spread, by rounding on the way. */
const ROUNDING_MAX = 0.002

let scratch = ''
let swarm: RunningSwarm
let asker: Peer
const answers: { readonly image: Tensor; readonly answer: Answer }[] = []

const isHostedTwice = (): boolean => asker.snapshot().coverage.every((hosts) => hosts > 1)

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'layerswarm-order-'))
  swarm = await startSwarm('--peers', '4', '--port', '0', '--model', MODEL)
  asker = createPeer({ join: swarm.url, serve: 'none', webrtc: false })
  await asker.start()
  // One of them is going to be killed.
  await eventually('a second host of every layer', isHostedTwice, HOSTED_TWICE_MS_MAX)
})
afterAll(async () => {
  await asker?.stop()
  await swarm?.end('SIGTERM')
  await rm(scratch, { recursive: true, force: true })
})

test('a release that keeps its order is answered in it by Node peers, one of which is killed', async () => {
  const { spec } = asker.manifest
  const own = Array.from({ length: spec.layers }, (_, layer) => layer)
  for (let index = 0; index < REQUESTS; index++) {
    const image = randomTensor([1, spec.channels, spec.imageSize, spec.imageSize], index + 1)
    const { answer } = await asker.classify(image)
    // In the middle of a request.
    if (index === BEFORE) process.kill(swarm.volunteers[0] as number, 'SIGKILL')
    answers.push({ image, answer: await answer })
  }
  for (const { answer } of answers) {
    expect(answer.route.map(({ layer }) => layer)).toEqual(own)
    expect(answer.missingLayers).toEqual([])
  }
  const served = answers.flatMap(({ answer }) => answer.route.map(({ peer }) => peer))
  expect(new Set(served).size).toBeGreaterThan(1)

  const engine = await createNodeEngine('reference', spec)
  try {
    for (const { part, sha256 } of asker.manifest.parts)
      await engine.load(part, await readFile(join(MODEL, 'parts', `${sha256}.safetensors`)))
    for (const { image, answer } of answers) {
      const logits = await replayRun(engine, spec, { image, wireDtype: 'float16' }, own)
      const spread = Math.max(...logits) - Math.min(...logits)
      const difference = Math.max(
        ...(answer.logits[0] ?? []).map((logit, i) => Math.abs(logit - (logits[i] ?? 0))),
      )
      expect(difference / spread).toBeLessThan(ROUNDING_MAX)
    }
  } finally {
    await engine.close()
  }
})

test('a receipt of it says so, is computed again, and not in another order', async () => {
  const { manifest } = asker
  const { image, answer } = answers[0] as (typeof answers)[0]
  const { route, missingLayers, totalMs } = answer
  const path = join(scratch, 'receipt.json')
  const write = (hops: Answer['route']) =>
    writeFile(
      path,
      receiptText({
        format: RECEIPT_FORMAT,
        release: releaseId(manifest),
        name: manifest.name,
        order: 'own',
        createdAt: new Date().toISOString(),
        wireDtype: 'float16',
        image,
        runs: [
          {
            route: hops,
            missingLayers,
            logits: answer.logits[0] ?? [],
            probabilities: answer.probabilities[0] ?? [],
            totalMs,
          },
        ],
      }),
    )
  await write(route)
  const again = await runCommand('replay', path)
  expect(again.stderr).toBe('')
  expect(again.code).toBe(0)
  expect(again.stdout).toMatch(/^0 → 1 → .*: agrees, in its own order$/m)
  await write(route.toReversed())
  const turned = await runCommand('replay', path)
  expect(turned.code).toBe(1)
  expect(turned.stderr.trim().split('\n')).toEqual([expect.stringMatching(/keeps its own$/)])
})

test('the command says so, and takes no other order', async () => {
  const ask = (...flags: string[]) =>
    runCommand('classify', '--samples', '4', '--join', swarm.url, ...flags)
  const plain = await ask()
  expect(plain.code).toBe(0)
  expect(plain.stdout).toMatch(/^fashion-vit-sequential runs in its own order, layer 0 to 7/)
  const fewer = await ask('--order', '0,1,2,3,5,6,7', '--json')
  expect(JSON.parse(fewer.stdout)).toMatchObject({ answered: 4, partial: 4, keepsOrder: true })
  for (const [flags, line] of [
    [['--order', '1,0'], /--order may leave layers out, but not change places/],
    [['--orders', '3'], /there is no second one for --orders/],
    [['--confirm'], /there is no second one for --confirm/],
  ] as const) {
    const { code, stderr } = await ask(...flags)
    expect(code).toBe(2)
    expect(stderr).toMatch(line)
  }
})
