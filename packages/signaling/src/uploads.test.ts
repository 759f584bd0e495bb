import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Manifest, manifestBytes, releaseId } from '@layerswarm/model'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
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
  const options = { port: 0, modelDirs: [served], uploads: { token: TOKEN, dir: uploads } }
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

  test('do not keep a server from starting', async () => {
    const [, manifest] = await release('tiny', 2)
    await putManifest(manifest)
    await signaling.stop()
    await mkdir(join(uploads, 'lost+found'))
    await start()
    expect(await offered()).toHaveLength(1)
  })
})
