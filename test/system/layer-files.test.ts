import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  argmax,
  fileDistanceOf,
  forward,
  type LayerDtype,
  type Manifest,
  manifestBytes,
  type Part,
  parseManifest,
  recodePart,
  rowsOf,
  STORED_AS,
  sha256,
  signManifest,
  type Tensor,
} from '@layerswarm/model'
import { createPeer, type Peer } from '@layerswarm/peer'
import { createNodeEngine } from '@layerswarm/peer/node'
import { createSignaling, type Signaling } from '@layerswarm/signaling'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type LyingPeer, openLyingPeer } from '../../packages/peer/src/testing/lying-peer.ts'
import { readSamples } from '../support/samples.ts'

/** A release of models/fashion-vit with smaller files of its layers, and a swarm whose hosts mix them. */

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const MODEL = join(ROOT, 'models', 'fashion-vit')
const PICTURES = 100
/** Answers that may be others than those of the same layers in float32: int4 alone changes 1 to 2 of 100. */
const CHANGED_MAX = 5
/** Right answers that may be lost among so few: the measured figures are 0.1 points apart. */
const LOST_MAX = 2
/** So long a liar is let lie: whoever asks meets it in its first visits. */
const FOUND_MS_MAX = 60_000

/** Who hosts what, of which file: each half of the layers has a large and a small kind. */
const HOSTS: readonly (readonly [LayerDtype, readonly number[]])[] = [
  ['float32', [0, 1, 2, 3]],
  ['int4', [4, 5, 6, 7]],
  ['int8', [0, 1, 2, 3]],
  ['float16', [4, 5, 6, 7]],
  ['int4', [0, 1, 2, 3]],
]
/** As `evaluate --layer-files` measures them: their distances decide what an audit allows. */
const FIGURES = {
  float16: { accuracy: 0.914, own: 0.914, apart: 0.0002 },
  int8: { accuracy: 0.9141, own: 0.914, apart: 0.005 },
  int4: { accuracy: 0.9127, own: 0.914, apart: 0.0583 },
} as const

let scratch = ''
let signaling: Signaling
let url = ''
let manifest: Manifest
const parts = new Map<Part, Uint8Array>()
const hosts: Peer[] = []
let asker: Peer
let liar: LyingPeer | undefined
const outvoted: string[] = []
let recomputed = 0

/** The release in a folder of its own, signed by a key of this test. */
async function writeRelease(folder: string): Promise<Manifest> {
  const shipped = parseManifest(await readFile(join(MODEL, 'manifest.json')))
  await mkdir(join(folder, 'parts'), { recursive: true })
  const write = (file: Uint8Array) =>
    writeFile(join(folder, 'parts', `${sha256(file)}.safetensors`), file)
  for (const { part, sha256: hash } of shipped.parts) {
    const file = new Uint8Array(await readFile(join(MODEL, 'parts', `${hash}.safetensors`)))
    parts.set(part, file)
    await write(file)
  }
  const { publisher, signature, mixes, ...named } = shipped
  const layerFiles = []
  for (const dtype of ['float16', 'int8', 'int4'] as const) {
    const files = []
    for (let layer = 0; layer < shipped.spec.layers; layer++) {
      const own = parts.get(layer) ?? new Uint8Array()
      const file = recodePart(shipped.spec, layer, own, STORED_AS[dtype])
      await write(file)
      files.push({ sha256: sha256(file), bytes: file.length })
    }
    layerFiles.push({ dtype, ...FIGURES[dtype], files })
  }
  const signed = signManifest({ ...named, layerFiles }, new Uint8Array(32).fill(9))
  await writeFile(join(folder, 'manifest.json'), manifestBytes(signed))
  return signed
}

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'layerswarm-layer-files-'))
  const folder = join(scratch, 'release')
  manifest = await writeRelease(folder)
  const dataDir = join(scratch, 'data')
  signaling = createSignaling({ modelDirs: [folder], dataDir, host: '127.0.0.1', port: 0 })
  url = (await signaling.start()).url
  for (const [layerFiles, serve] of HOSTS) {
    const host = createPeer({ join: url, serve, layerFiles, webrtc: false })
    hosts.push(host)
    await host.start()
  }
  asker = createPeer({ join: url, serve: 'none', webrtc: false })
  asker.on((event) => {
    if (event.type === 'peer-outvoted') outvoted.push(event.peer)
    if (event.type === 'recomputed') recomputed += event.layers
  })
  await asker.start()
})
afterAll(async () => {
  await liar?.stop()
  await asker?.stop()
  for (const host of hosts) await host.stop()
  await signaling?.stop()
  await rm(scratch, { recursive: true, force: true })
})

test('each host has loaded the files that it was told, and no others', () => {
  for (const [i, [dtype, serve]] of HOSTS.entries()) {
    const { layerFiles, hostedLayers, bytes } = (hosts[i] as Peer).snapshot()
    expect(layerFiles).toEqual({ dtype, reason: 'as told' })
    expect(hostedLayers).toEqual(serve)
    const kind = manifest.layerFiles?.find((one) => one.dtype === dtype)
    const sizes = kind?.files ?? manifest.parts.filter(({ part }) => typeof part === 'number')
    const wanted = serve.reduce((sum, layer) => sum + (sizes[layer]?.bytes ?? 0), 0)
    expect(bytes.layersFromHttp + bytes.layersFromPeers).toBe(wanted)
  }
  expect(manifest.layerFiles?.at(-1)?.files[0]?.bytes).toBe(21_512)
})

test('a lane that mixes float32, float16, int8 and int4 answers as it was measured, and no audit finds a lie', async () => {
  const { images, labels } = await readSamples(PICTURES, manifest)
  const engine = await createNodeEngine('ort-node', manifest.spec)
  for (const [part, file] of parts) await engine.load(part, file)
  let [right, wanted, changed, farthest] = [0, 0, 0, 0]
  for (const [i, image] of images.entries()) {
    const answer = await (await asker.classify(image)).answer
    expect(answer.missingLayers).toEqual([])
    expect(answer.checked.doubted).toEqual([])
    const order = answer.route.map(({ layer }) => layer)
    const logits = rowsOf(await forward(engine, manifest.spec, image, order))[0] ?? []
    const spread = Math.max(...logits) - Math.min(...logits)
    const differences = (answer.logits[0] ?? []).map((logit, at) => logit - (logits[at] ?? 0))
    farthest = Math.max(farthest, ...differences.map((one) => Math.abs(one) / spread))
    const own = argmax(logits)
    const said = argmax(answer.logits[0] ?? [])
    if (said === labels[i]) right++
    if (own === labels[i]) wanted++
    if (said !== own) changed++
  }
  await engine.close()
  expect(right).toBeGreaterThanOrEqual(wanted - LOST_MAX)
  expect(changed).toBeLessThanOrEqual(CHANGED_MAX)
  // What `replay` allows a receipt of it.
  expect(farthest).toBeLessThan(fileDistanceOf(manifest) * Math.sqrt(manifest.spec.layers))
  // Every visit is of four layers at most, so every answer went through two kinds at least.
  for (const host of hosts) expect(host.snapshot().served).toBeGreaterThan(0)
  expect(recomputed).toBeGreaterThan(0)
  expect(outvoted).toEqual([])
})

test('a liar gains nothing by loading int4', async () => {
  const options = { join: url, serve: [0, 1, 2, 3], layerFiles: 'int4', webrtc: false } as const
  liar = await openLyingPeer(options, 'random', 1)
  const { images } = await readSamples(PICTURES, manifest)
  const endMs = Date.now() + FOUND_MS_MAX
  for (let i = 0; outvoted.length === 0 && Date.now() < endMs; i++)
    await (await asker.classify(images[i % PICTURES] as Tensor)).answer
  expect(outvoted).toEqual([liar.peerId])
}, 120_000)
