import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  argmax,
  forward,
  type Manifest,
  manifestBytes,
  parseManifest,
  releaseId,
  rowsOf,
  sha256,
  signManifest,
  type Tensor,
} from '@layerswarm/model'
import { createPeer, type Peer } from '@layerswarm/peer'
import { createNodeEngine } from '@layerswarm/peer/node'
import { createSignaling, type Signaling } from '@layerswarm/signaling'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runCommand } from '../support/run-command.ts'
import { readSamples } from '../support/samples.ts'
import { writeSampleData } from '../support/training-data.ts'

/** A release, a fine-tuning of it that names it as mixing, and a swarm of which each half has one of the two. */

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const MODEL = join(ROOT, 'models', 'fashion-vit')
const KEY = new Uint8Array(32).fill(9)
const PICTURES = 450
/** Right answers that may be lost among so many against the worse of the two: three standard errors of what mixing may cost, 2 points. */
const LOST_MAX = 30

/** A few steps on the samples: another release in seconds. */
const RECIPE = {
  ...{ name: 'fashion-vit', variant: 'shuffle', patchSize: 4, width: 64, layers: 8, heads: 4 },
  ...{
    mlpWidth: 128,
    batch: 32,
    images: 640,
    optimizer: 'adamw',
    learningRate: 0.0005,
    beta2: 0.98,
  },
  ...{ weightDecay: 0.05, clip: 1, warmupSteps: 2, labelSmoothing: 0, ema: 0, shift: 0, flip: 0 },
  ...{ erase: 0, keptPatches: 49, keptPatchesUntil: 0, seed: 2, threads: 1 },
}

interface Release {
  readonly folder: string
  readonly manifest: Manifest
}

let scratch = ''
let signaling: Signaling
let url = ''
let older: Release
let newer: Release
const hosts: Peer[] = []
const outvoted: string[] = []

/** What ships, signed by a key of this test, its classes called what the files of the samples call them. */
async function writeOlder(folder: string): Promise<Release> {
  const shipped = parseManifest(await readFile(join(MODEL, 'manifest.json')))
  await mkdir(join(folder, 'parts'), { recursive: true })
  for (const { sha256: hash } of shipped.parts) {
    const file = await readFile(join(MODEL, 'parts', `${hash}.safetensors`))
    await writeFile(join(folder, 'parts', `${sha256(file)}.safetensors`), file)
  }
  const { publisher, signature, mixes, ...named } = shipped
  const labels = shipped.labels.map((_, label) => String(label))
  const manifest = signManifest({ ...named, labels }, KEY)
  await writeFile(join(folder, 'manifest.json'), manifestBytes(manifest))
  return { folder, manifest }
}

/** A fine-tuning of it, published as one that mixes with it. */
async function writeNewer(folder: string, from: string): Promise<Release> {
  const data = join(scratch, 'data')
  const recipe = join(scratch, 'recipe.json')
  const key = join(scratch, 'publisher.key')
  const trained = join(scratch, 'trained')
  await writeSampleData(data)
  await writeFile(recipe, JSON.stringify(RECIPE))
  await writeFile(key, `${Buffer.from(KEY).toString('hex')}\n`)
  const training = await runCommand(
    'train',
    recipe,
    '--out',
    trained,
    '--data',
    data,
    '--from',
    from,
  )
  expect(training.code, training.stderr).toBe(0)
  const words = ['--out', folder, '--mixes-with', from, '--data', data, '--key', key]
  const published = await runCommand('publish', trained, ...words)
  expect(published.code, published.stderr).toBe(0)
  return { folder, manifest: parseManifest(await readFile(join(folder, 'manifest.json'))) }
}

async function open(release: Release, serve: 'none' | readonly number[]): Promise<Peer> {
  const peer = createPeer({ join: url, serve, release: releaseId(release.manifest), webrtc: false })
  hosts.push(peer)
  peer.on((event) => {
    if (event.type === 'peer-outvoted') outvoted.push(event.peer)
  })
  await peer.start()
  return peer
}

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'layerswarm-mixed-'))
  older = await writeOlder(join(scratch, 'older'))
  newer = await writeNewer(join(scratch, 'newer'), older.folder)
  const dataDir = join(scratch, 'server')
  const modelDirs = [newer.folder, older.folder]
  signaling = createSignaling({ modelDirs, dataDir, host: '127.0.0.1', port: 0 })
  url = (await signaling.start()).url
  // Layers 0 and 1 are of the older release alone, 6 and 7 of the newer one, the others of both.
  for (const serve of [
    [2, 3],
    [4, 5],
    [2, 3, 4, 5],
  ]) {
    await open(older, [0, 1, ...serve])
    await open(newer, [...serve, 6, 7])
  }
}, 600_000)
afterAll(async () => {
  for (const peer of hosts.reverse()) await peer.stop()
  await signaling?.stop()
  await rm(scratch, { recursive: true, force: true })
})

/** How many a release names rightly by itself, its layers in these orders. */
async function rightAlone(
  { folder, manifest }: Release,
  images: readonly Tensor[],
  labels: Uint8Array,
  orders: readonly (readonly number[])[],
): Promise<number> {
  const engine = await createNodeEngine('ort-node', manifest.spec)
  for (const { part, sha256: hash } of manifest.parts)
    await engine.load(
      part,
      new Uint8Array(await readFile(join(folder, 'parts', `${hash}.safetensors`))),
    )
  let right = 0
  for (const [i, image] of images.entries()) {
    const logits = await forward(engine, manifest.spec, image, orders[i] ?? [])
    if (argmax(rowsOf(logits)[0] ?? []) === labels[i]) right++
  }
  await engine.close()
  return right
}

test('half the peers on each of two releases answer 450 of 450 in one lane, as well as either alone', async () => {
  const { images, labels } = await readSamples(PICTURES, older.manifest)
  const askers = [await open(older, 'none'), await open(newer, 'none')]
  const orders: number[][] = []
  let [right, mixed] = [0, 0]
  for (const [i, image] of images.entries()) {
    const asker = askers[i % 2] as Peer
    const answer = await (await asker.classify(image)).answer
    expect(answer.missingLayers).toEqual([])
    expect(answer.checked.doubted).toEqual([])
    orders.push(answer.route.map(({ layer }) => layer))
    if (argmax(answer.logits[0] ?? []) === labels[i]) right++
    if (new Set(answer.route.map(({ weights }) => weights)).size > 1) mixed++
  }
  const lane = releaseId(older.manifest)
  for (const peer of hosts) expect(peer.snapshot().laneRelease?.id).toBe(lane)
  expect(orders).toHaveLength(PICTURES)
  expect(mixed).toBe(PICTURES)
  const alone = [
    await rightAlone(older, images, labels, orders),
    await rightAlone(newer, images, labels, orders),
  ]
  process.stdout.write(
    `right of ${PICTURES}: mixed ${right}, older alone ${alone[0]}, newer alone ${alone[1]}\n`,
  )
  expect(right).toBeGreaterThanOrEqual(Math.min(...alone) - LOST_MAX)
  expect(outvoted).toEqual([])
}, 600_000)
