import {
  isSha256,
  MANIFEST_BYTES_MAX,
  type Manifest,
  parseManifest,
  releaseId,
} from '@layerswarm/model'
import { BOOTSTRAP_BYTES_MAX, SAMPLES_BYTES_MAX } from './limits.ts'

/**
 * The manifest that the swarm's server offers first: enough to describe the model before joining.
 * The peer checks publisher and signature itself when it joins; here only the hash is checked.
 * @param server the folder below which it answers.
 * @throws Error or ModelError with one line for people.
 */
export async function fetchRelease(server: URL): Promise<Manifest> {
  const id = firstReleaseId(await fetchBytes(server, 'bootstrap.json', BOOTSTRAP_BYTES_MAX))
  const manifest = parseManifest(
    await fetchBytes(server, `releases/${id}/manifest.json`, MANIFEST_BYTES_MAX),
  )
  if (releaseId(manifest) !== id)
    throw new Error('The server offers a model description that is not the one it names.')
  return manifest
}

/** The two idx files of sample images and their labels. @throws Error with one line for people. */
export async function fetchSampleFiles(server: URL): Promise<[Uint8Array, Uint8Array]> {
  return Promise.all([
    fetchBytes(server, 'samples/images.idx3-ubyte', SAMPLES_BYTES_MAX),
    fetchBytes(server, 'samples/labels.idx1-ubyte', SAMPLES_BYTES_MAX),
  ])
}

function firstReleaseId(bootstrap: Uint8Array): string {
  const releases = fieldOf(parseJson(bootstrap), 'releases')
  const id = Array.isArray(releases) ? fieldOf(releases[0], 'id') : undefined
  if (!isSha256(id)) throw new Error('The server offers no model yet; try again in a moment.')
  return id
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes))
  } catch {
    throw new Error('The server does not speak Layerswarm: its bootstrap.json is not JSON.')
  }
}

function fieldOf(value: unknown, field: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined
  return new Map<string, unknown>(Object.entries(value)).get(field)
}

async function fetchBytes(server: URL, path: string, bytesMax: number): Promise<Uint8Array> {
  const response = await fetch(new URL(path, server)).catch(() => {
    throw new Error(`The server at ${server.href} does not answer; is it running?`)
  })
  if (!response.ok) throw new Error(`The server answers ${response.status} for ${path}.`)
  if (Number(response.headers.get('content-length') ?? 0) > bytesMax)
    throw new Error(`${path} is larger than this page reads.`)
  const bytes = new Uint8Array(await response.arrayBuffer())
  if (bytes.length > bytesMax) throw new Error(`${path} is larger than this page reads.`)
  return bytes
}
