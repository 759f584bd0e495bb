import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  type Engine,
  fileDistanceOf,
  forward,
  type LayerDtype,
  type Manifest,
  manifestBytes,
  type Part,
  parseManifest,
  recodePart,
  type Sha256,
  STORED_AS,
  sha256,
  signManifest,
  type Tensor,
} from '@layerswarm/model'
import { createPeer, type Peer } from '@layerswarm/peer'
import { createNodeEngine } from '@layerswarm/peer/node'
import { createSignaling, type Signaling } from '@layerswarm/signaling'
import type { PeerId } from '@layerswarm/swarm'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type LyingPeer, openLyingPeer } from '../../packages/peer/src/testing/lying-peer.ts'
import { readSamples } from '../support/samples.ts'

/** A release of models/fashion-vit with smaller files of its layers, and a swarm whose hosts mix them. */

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const MODEL = join(ROOT, 'models', 'fashion-vit')
const PICTURES = 100
/** How far logits may be from those of the same files in one process, as a share of their spread: float16 on the wire. */
const ROUNDING_MAX = 3e-3
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
/** The files of each host's kind; float32 are the release's own. */
const recoded = new Map<LayerDtype, readonly Uint8Array[]>()
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
    const [written, files]: [Uint8Array[], { sha256: Sha256; bytes: number }[]] = [[], []]
    for (let layer = 0; layer < shipped.spec.layers; layer++) {
      const own = parts.get(layer) ?? new Uint8Array()
      const file = recodePart(shipped.spec, layer, own, STORED_AS[dtype])
      await write(file)
      written.push(file)
      files.push({ sha256: sha256(file), bytes: file.length })
    }
    recoded.set(dtype, written)
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

/** An engine that has loaded the release's own files, and one for each host with those that it serves. */
async function openEngines(): Promise<{ own: Engine; of: ReadonlyMap<string, Engine> }> {
  const own = await createNodeEngine('ort-node', manifest.spec)
  for (const [part, file] of parts) await own.load(part, file)
  const of = new Map<string, Engine>()
  for (const [i, [dtype, serve]] of HOSTS.entries()) {
    const engine = await createNodeEngine('ort-node', manifest.spec)
    for (const layer of serve)
      await engine.load(layer, recoded.get(dtype)?.[layer] ?? (parts.get(layer) as Uint8Array))
    of.set((hosts[i] as Peer).snapshot().peerId ?? '', engine)
  }
  return { own, of }
}

/** All hosts but two that have all layers between them, another two for each turn. */
function othersThan(turn: number): PeerId[] {
  const [low, high] = [[0, 2, 4][turn % 3], [1, 3][turn % 2]]
  return hosts.flatMap((host, i) => (i === low || i === high ? [] : [idOf(host)]))
}

const idOf = (host: Peer): PeerId => host.snapshot().peerId as PeerId

const rowOf = ({ data }: Tensor): readonly number[] => Array.from(data)

/** The largest difference of two rows of logits, as a share of the spread of the first. */
function apart(logits: readonly number[], others: readonly number[]): number {
  const spread = Math.max(...logits) - Math.min(...logits)
  return Math.max(...logits.map((logit, at) => Math.abs(logit - (others[at] ?? 0)) / spread))
}

test('a lane that mixes float32, float16, int8 and int4 answers as these files do, and no audit finds a lie', async () => {
  const { images } = await readSamples(PICTURES, manifest)
  const { own, of } = await openEngines()
  let [rounded, farthest] = [0, 0]
  for (const [at, image] of images.entries()) {
    const avoid = at % 2 === 0 ? [] : othersThan(at >> 1)
    const answer = await (await asker.classify(image, { avoid })).answer
    expect(answer.missingLayers).toEqual([])
    expect(answer.checked.doubted).toEqual([])
    expect(answer.rounds).toEqual([])
    const said = answer.logits[0] ?? []
    let x = await own.run('stem', image, 0) // (1, T, C)
    for (const [hop, { layer, peer }] of answer.route.entries())
      x = await (of.get(peer) as Engine).run(layer, x, hop) // (1, T, C)
    rounded = Math.max(rounded, apart(rowOf(await own.run('head', x, 0)), said))
    const order = answer.route.map(({ layer }) => layer)
    const large = rowOf(await forward(own, manifest.spec, image, order))
    farthest = Math.max(farthest, apart(large, said))
  }
  for (const engine of [own, ...of.values()]) await engine.close()
  expect(rounded).toBeLessThan(ROUNDING_MAX)
  // What `replay` allows a receipt of it.
  expect(farthest).toBeLessThan(fileDistanceOf(manifest) * Math.sqrt(manifest.spec.layers))
  // Whom the asker would never choose by itself was left no other, with every sixth picture but one or two.
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
