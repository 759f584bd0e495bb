import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { request as httpRequest } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Manifest, manifestBytes, releaseId } from '@layerswarm/model'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { UPLOAD_DRAFTS_MAX } from './limits.ts'
import type { LogEntry } from './log.ts'
import { writeRelease } from './release-fixture.ts'
import { partPath } from './releases.ts'
import { createSignaling, type Signaling } from './signaling.ts'

const TOKEN = 'correct-horse'
const KEY = 3
const OLD = '2026-11-23T20:21:00Z'
const NEW = '2026-11-24T08:00:00Z'

let root = ''
let uploads = ''
let served = ''
let url = ''
let signaling: Signaling
const log: LogEntry[] = []

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'layerswarm-uploads-'))
  served = join(root, 'served')
  await writeRelease(served, 'tiny', 1, { createdAt: OLD, key: KEY })
})

beforeEach(async () => {
  uploads = join(root, 'uploads')
  await start()
})

afterEach(async () => {
  await signaling.stop()
  await rm(uploads, { recursive: true, force: true })
})

afterAll(() => rm(root, { recursive: true }))

async function start(): Promise<void> {
  log.length = 0
  const options = {
    port: 0,
    modelDirs: [served],
    uploads: { token: TOKEN, dir: uploads },
    log: (entry: LogEntry) => void log.push(entry),
  }
  signaling = createSignaling(options)
  url = (await signaling.start()).url
}

const put = (path: string, body: Uint8Array, token = TOKEN): Promise<Response> =>
  fetch(`${url}${path}`, {
    method: 'PUT',
    body: Uint8Array.from(body),
    headers: { authorization: `Bearer ${token}` },
  })

/** A release in a folder of its own, not known to the server. */
async function release(name: string, seed: number, createdAt = NEW): Promise<[string, Manifest]> {
  const dir = join(root, `${name}-${seed}`)
  await rm(dir, { recursive: true, force: true })
  return [dir, await writeRelease(dir, name, seed, { createdAt, key: KEY })]
}

const putManifest = (manifest: Manifest): Promise<Response> =>
  put(`/releases/${releaseId(manifest)}/manifest.json`, manifestBytes(manifest))

async function putParts(dir: string, hashes: readonly string[]): Promise<void> {
  for (const hash of hashes) {
    const answer = await put(`/parts/${hash}`, await readFile(partPath(dir, hash)))
    expect(answer.status).toBe(200)
  }
}

async function upload(dir: string, manifest: Manifest): Promise<void> {
  const { missing } = (await (await putManifest(manifest)).json()) as { missing: string[] }
  await putParts(dir, missing)
  expect(await (await putManifest(manifest)).json()).toEqual({
    missing: [],
    release: releaseId(manifest),
  })
}

async function offered(): Promise<string[]> {
  const bootstrap = (await (await fetch(`${url}/bootstrap.json`)).json()) as {
    releases: { id: string }[]
  }
  return bootstrap.releases.map(({ id }) => id)
}

describe('an upload', () => {
  test('is offered before the older release of its name when its last part is there', async () => {
    const [old] = await offered()
    const [dir, manifest] = await release('tiny', 2)
    const first = await putManifest(manifest)
    const { missing } = (await first.json()) as { missing: string[] }
    expect(missing).toEqual(manifest.parts.map(({ sha256 }) => sha256))
    expect(await offered()).toEqual([old])
    await putParts(dir, missing.slice(1))
    expect(await (await putManifest(manifest)).json()).toEqual({ missing: missing.slice(0, 1) })
    await putParts(dir, missing.slice(0, 1))
    await putManifest(manifest)
    expect(await offered()).toEqual([releaseId(manifest), old])
    for (const hash of missing) {
      const body = new Uint8Array(await (await fetch(`${url}/parts/${hash}`)).arrayBuffer())
      expect(Buffer.from(body).equals(await readFile(partPath(dir, hash)))).toBe(true)
    }
  })

  test('needs only the parts that the server does not have', async () => {
    const [dir, manifest] = await release('tiny', 4)
    await upload(dir, manifest)
    const copy = join(root, 'same-weights')
    const again = await writeRelease(copy, 'other-name', 4, { createdAt: NEW, key: KEY })
    expect(await (await putManifest(again)).json()).toEqual({
      missing: [],
      release: releaseId(again),
    })
    expect(await offered()).toContain(releaseId(again))
  })

  test('is still offered after a restart', async () => {
    const [dir, manifest] = await release('tiny', 5)
    await upload(dir, manifest)
    const before = await offered()
    await signaling.stop()
    await start()
    expect(await offered()).toEqual(before)
  })

  test('of an older release, or of another publisher, does not go first', async () => {
    const [old] = await offered()
    const [dir, manifest] = await release('tiny', 6, '2026-11-01T00:00:00Z')
    await upload(dir, manifest)
    const strange = join(root, 'strange')
    const other = await writeRelease(strange, 'tiny', 7, { createdAt: NEW, key: 9 })
    await upload(strange, other)
    expect((await offered())[0]).toBe(old)
  })
})

describe('an upload is refused', () => {
  test('without the token, and with another', async () => {
    const [, manifest] = await release('tiny', 2)
    const path = `/releases/${releaseId(manifest)}/manifest.json`
    const bare = await fetch(`${url}${path}`, { method: 'PUT', body: '{}' })
    expect(bare.status).toBe(401)
    expect((await put(path, manifestBytes(manifest), 'wrong-horse')).status).toBe(401)
    expect(await readdir(uploads)).toEqual([])
  })

  test('when its manifest is damaged, forged, or not the one it is named after', async () => {
    const [, manifest] = await release('tiny', 2)
    const id = releaseId(manifest)
    const forged = { ...manifest, name: 'other' }
    const send = async (name: string, body: Uint8Array): Promise<string> => {
      const answer = await put(`/releases/${name}/manifest.json`, body)
      expect(answer.status).toBe(400)
      return answer.text()
    }
    expect(await send(id, manifestBytes(manifest).subarray(0, 99))).toMatch(/not JSON/)
    expect(await send(releaseId(forged), manifestBytes(forged))).toMatch(/signature/)
    expect(await send('f'.repeat(64), manifestBytes(manifest))).toMatch(/another hash/)
    expect(await send('..%2f..%2fx', manifestBytes(manifest))).toMatch(/64 lower-case hex/)
    expect(await readdir(uploads)).toEqual([])
  })

  test('when nobody asked for its part', async () => {
    const [dir, manifest] = await release('tiny', 2)
    const [part] = manifest.parts
    const file = await readFile(partPath(dir, part?.sha256 ?? ''))
    expect((await put(`/parts/${part?.sha256}`, file)).status).toBe(404)
    expect((await put('/parts/..%2fx', file)).status).toBe(404)
  })

  test('when a part is short, long or another one, and nothing of it is kept', async () => {
    const [dir, manifest] = await release('tiny', 2)
    await putManifest(manifest)
    const [part] = manifest.parts
    const path = `/parts/${part?.sha256}`
    const file = await readFile(partPath(dir, part?.sha256 ?? ''))
    const flipped = Uint8Array.from(file)
    flipped[file.length - 1] = (flipped.at(-1) ?? 0) ^ 1
    for (const body of [file.subarray(1), Buffer.concat([file, Buffer.alloc(9)]), flipped]) {
      expect((await put(path, body)).status).toBe(400)
    }
    expect(await readdir(join(uploads, releaseId(manifest), 'parts'))).toEqual([])
  })

  test('when its sender goes away in the middle, and nothing of it is kept', async () => {
    const [dir, manifest] = await release('tiny', 2)
    await putManifest(manifest)
    const [part] = manifest.parts
    const file = await readFile(partPath(dir, part?.sha256 ?? ''))
    const parts = join(uploads, releaseId(manifest), 'parts')
    const { port } = new URL(url)
    const path = `/parts/${part?.sha256}`
    const headers = { authorization: `Bearer ${TOKEN}`, 'content-length': file.length }
    const request = httpRequest({ port, host: '127.0.0.1', method: 'PUT', path, headers })
    request.on('error', () => {}).write(file.subarray(0, 100))
    await vi.waitFor(async () => expect(await readdir(parts)).toHaveLength(1))
    request.destroy()
    await vi.waitFor(async () => expect(await readdir(parts)).toEqual([]))
    expect(log.filter(({ level }) => level === 'error')).toEqual([])
  })

  test('by a server that was not given a token', async () => {
    const closed = createSignaling({ port: 0, modelDirs: [served] })
    const { url: other } = await closed.start()
    const answer = await fetch(`${other}/parts/${'0'.repeat(64)}`, { method: 'PUT', body: 'x' })
    await closed.stop()
    expect(answer.status).toBe(403)
    expect(await answer.text()).toMatch(/--upload-token-file/)
  })
})

describe('unfinished uploads', () => {
  test('give way to newer ones, the oldest first', async () => {
    const manifests: Manifest[] = []
    for (const seed of [21, 22, 23, 24, 25]) {
      const [, manifest] = await release('tiny', seed)
      manifests.push(manifest)
      expect((await putManifest(manifest)).status).toBe(200)
    }
    const kept = manifests.slice(1).map(releaseId)
    expect((await readdir(uploads)).toSorted()).toEqual(kept.toSorted())
  })

  test('that were left by a server that was killed are the newest few, without what was half written', async () => {
    await signaling.stop()
    const names = ['1', '2', '3', '4', '5', '6'].map((digit) => digit.repeat(64))
    for (const [index, name] of names.entries()) {
      const parts = join(uploads, name, 'parts')
      await mkdir(parts, { recursive: true })
      await writeFile(join(parts, 'whole.safetensors'), 'x')
      await writeFile(join(parts, 'half.safetensors.part'), 'x')
      await utimes(join(uploads, name), index, index)
    }
    await start()
    expect((await readdir(uploads)).toSorted()).toEqual(names.slice(-UPLOAD_DRAFTS_MAX))
    for (const name of names.slice(-UPLOAD_DRAFTS_MAX))
      expect(await readdir(join(uploads, name, 'parts'))).toEqual(['whole.safetensors'])
  })

  test('do not keep a server from starting', async () => {
    const [, manifest] = await release('tiny', 2)
    await putManifest(manifest)
    await signaling.stop()
    await mkdir(join(uploads, 'lost+found'))
    await start()
    expect(await offered()).toHaveLength(1)
  })
})
