import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  argmax,
  forward,
  type Manifest,
  parseManifest,
  releaseId,
  rowsOf,
  type Tensor,
} from '@layerswarm/model'
import { createPeer, type Peer } from '@layerswarm/peer'
import { createNodeEngine } from '@layerswarm/peer/node'
import { createSignaling, type Signaling } from '@layerswarm/signaling'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readSamples } from '../support/samples.ts'

/** The two releases that ship and mix, and a swarm of which each half has one of them. */

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const PICTURES = 450
/** Right answers that may be lost among so many against the worse of the two: three standard errors of what mixing may cost, 2 points. */
const LOST_MAX = 30

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

async function shipped(name: string): Promise<Release> {
  const folder = join(ROOT, 'models', name)
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
  older = await shipped('fashion-vit-rounds')
  newer = await shipped('fashion-vit-rounds-2')
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
