import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  MANIFEST_FORMAT,
  type Manifest,
  type ModelSpec,
  manifestBytes,
  parseModelSpec,
  partsOf,
  publisherOf,
  randomModel,
  releaseId,
  sha256,
  signManifest,
} from '@layerswarm/model'
import { PROTOCOL_VERSION } from '@layerswarm/swarm'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { PrivateKey } from '@libp2p/interface'
import type { Libp2p } from 'libp2p'
import { addressesOf, createTestBootstrap } from './test-nodes.ts'

/** A bootstrap node and its HTTP server over loopback, with a tiny random release: for tests. */
export const TINY_SPEC: ModelSpec = parseModelSpec({
  variant: 'shuffle',
  imageSize: 8,
  patchSize: 4,
  channels: 1,
  width: 8,
  layers: 4,
  heads: 2,
  mlpWidth: 16,
  classes: 3,
  layerNormEps: 1e-6,
})

/** The private key, 32 bytes, that signs the tiny release. */
export const PUBLISHER_KEY = new Uint8Array(32).fill(7)
/** The public key, hex, that signed the tiny release. */
export const PUBLISHER = publisherOf(PUBLISHER_KEY)
/** The part files of the tiny release, by part. */
export const FILES = randomModel(TINY_SPEC, 5)
/** The files of the releases that `offerRelease` adds. */
export const NEWER_FILES = randomModel(TINY_SPEC, 6)

function tinyManifest(): Manifest {
  const digest = sha256(new Uint8Array())
  return signManifest(
    {
      format: MANIFEST_FORMAT,
      name: 'tiny',
      spec: TINY_SPEC,
      preprocessing: { size: 8, channels: 1, mean: [0.5], std: [0.5], foreground: 'any' },
      labels: ['none', 'one', 'many'],
      parts: partsOf(TINY_SPEC).map((part) => {
        const file = FILES.get(part) ?? new Uint8Array()
        return { part, sha256: sha256(file), bytes: file.length, dtype: 'float32' }
      }),
      training: {
        recipe: digest,
        seed: 5,
        images: 0,
        createdAt: '2026-11-23T20:21:00Z',
        report: digest,
      },
    },
    PUBLISHER_KEY,
  )
}

/** A swarm with a bootstrap node, a release and nobody in it. */
export interface TestSwarm {
  /** http://127.0.0.1:PORT */
  readonly join: string
  readonly manifest: Manifest
  /** What the HTTP server answers, by path; tests may change it. */
  readonly files: Map<string, Uint8Array>
  /** Stops the bootstrap node and starts it again under the same key and port. */
  restartBootstrap(): Promise<void>
  stop(): Promise<void>
}

/** Starts one on free ports of this machine. */
export async function startTestSwarm(): Promise<TestSwarm> {
  const privateKey = await generateKeyPair('Ed25519')
  const manifest = tinyManifest()
  let bootstrap = await createTestBootstrap(privateKey)
  const port = portOf(bootstrap)
  const files = new Map<string, Uint8Array>([
    [`/releases/${releaseId(manifest)}/manifest.json`, manifestBytes(manifest)],
    ['/bootstrap.json', bootstrapJson(bootstrap, manifest)],
  ])
  for (const file of FILES.values()) files.set(`/parts/${sha256(file)}`, file)
  const server = await serve(files)
  return {
    join: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    manifest,
    files,
    async restartBootstrap() {
      await bootstrap.stop()
      bootstrap = await restart(privateKey, port)
    },
    async stop() {
      await bootstrap.stop()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** Offers another release of the same shape before those that are there, with NEWER_FILES and in these fields another one. */
export function offerRelease(
  { files, manifest: { publisher: _, signature: __, ...unsigned } }: TestSwarm,
  changes: Partial<Manifest>,
  key = PUBLISHER_KEY,
): Manifest {
  const parts = partsOf(TINY_SPEC).map((part) => {
    const file = NEWER_FILES.get(part) ?? new Uint8Array()
    files.set(`/parts/${sha256(file)}`, file)
    return { part, sha256: sha256(file), bytes: file.length, dtype: 'float32' as const }
  })
  const manifest = signManifest({ ...unsigned, parts, ...changes }, key)
  files.set(`/releases/${releaseId(manifest)}/manifest.json`, manifestBytes(manifest))
  const bootstrap = JSON.parse(new TextDecoder().decode(files.get('/bootstrap.json')))
  const { name, publisher } = manifest
  bootstrap.releases = [{ id: releaseId(manifest), name, publisher }, ...bootstrap.releases]
  files.set('/bootstrap.json', new TextEncoder().encode(JSON.stringify(bootstrap)))
  return manifest
}

/** The port may be in use for some milliseconds after its last listener has closed. */
async function restart(privateKey: PrivateKey, port: number): Promise<Libp2p> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await createTestBootstrap(privateKey, port)
    } catch (error) {
      if (attempt > 20) throw error
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
}

/** What the server of such a swarm answers as /bootstrap.json. */
export function bootstrapJson(node: Libp2p, manifest: Manifest): Uint8Array {
  const { name, publisher } = manifest
  const releases = [{ id: releaseId(manifest), name, publisher }]
  const text = JSON.stringify({
    protocol: PROTOCOL_VERSION,
    addresses: addressesOf(node),
    releases,
  })
  return new TextEncoder().encode(text)
}

function portOf(node: Libp2p): number {
  const [address = ''] = addressesOf(node)
  return Number(/\/tcp\/(\d+)/.exec(address)?.[1])
}

function serve(files: ReadonlyMap<string, Uint8Array>): Promise<Server> {
  const server = createServer((request, response) => {
    const file = files.get(request.url ?? '')
    response.writeHead(file === undefined ? 404 : 200)
    response.end(file)
  })
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)))
}
