import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { PeerError } from '../errors.ts'
import { onFullDisk } from '../testing/full-disk.ts'
import { openIdentity } from './identity.node.ts'

let root: string
let dataDir: string

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'layerswarm-identity-'))
  dataDir = join(root, 'data')
})

afterEach(() => rm(root, { recursive: true }))

/** The line that opening an identity ends with. */
async function lineOf(dir: string): Promise<string> {
  const error: unknown = await openIdentity(dir).then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof PeerError)) throw new Error(`no PeerError but ${String(error)}`)
  expect(error.code).toBe('bad-identity')
  expect(error.message).not.toContain('\n')
  return error.message
}

/** Runs as a user who owns nothing, where the tests themselves may do everything. */
async function asStranger<R>(work: () => Promise<R>): Promise<R> {
  if (process.geteuid?.() !== 0) return work()
  process.seteuid?.(65_534)
  try {
    return await work()
  } finally {
    process.seteuid?.(0)
  }
}

describe('the identity of a Node peer', () => {
  test('is a file that only its owner reads, with nothing beside it', async () => {
    const { privateKey, release } = await openIdentity(dataDir)
    await release()
    expect(await readdir(dataDir)).toEqual(['identity-0.key'])
    expect((await stat(join(dataDir, 'identity-0.key'))).mode & 0o777).toBe(0o600)
    const again = await openIdentity(dataDir)
    expect(again.privateKey.equals(privateKey)).toBe(true)
    await again.release()
  })

  test.skipIf(process.platform !== 'linux')(
    'is not begun on a full disk, and made when there is room again',
    async () => {
      await mkdir(dataDir)
      const line = await onFullDisk(() => lineOf(dataDir))
      expect(line).toMatch(/cannot be kept in .*: no .*; name a folder .* with room left/)
      expect(await readdir(dataDir)).toEqual([])
      const identity = await openIdentity(dataDir)
      expect(identity.persistent).toBe(true)
      await identity.release()
    },
  )

  test.each([
    ['', 'is an empty file'],
    ['not a key', 'is damaged'],
  ])('in a file with "%s" %s, is told in one line, and stays', async (content, state) => {
    await mkdir(dataDir)
    const key = join(dataDir, 'identity-0.key')
    await writeFile(key, content)
    expect(await lineOf(dataDir)).toBe(
      `the peer's key ${key} ${state}; delete it to get a new peer id, or restore it from a backup`,
    )
    expect(await readFile(key, 'utf8')).toBe(content)
    expect(await readdir(dataDir)).toEqual(['identity-0.key'])
  })

  test('says that its folder is none when a file has its name', async () => {
    await writeFile(dataDir, '')
    expect(await lineOf(dataDir)).toContain(`cannot be kept in ${dataDir}: it is not a folder;`)
    expect(await lineOf(join(dataDir, 'below'))).toContain('a part of the path is not a folder')
  })

  test.skipIf(process.platform === 'win32')('says that its folder is read-only', async () => {
    await mkdir(dataDir)
    await chmod(root, 0o755)
    await chmod(dataDir, 0o555)
    const lines = await asStranger(async () => [
      await lineOf(dataDir),
      await lineOf(join(dataDir, 'new', 'below')),
    ])
    for (const line of lines) expect(line).toContain(': permission denied; name a folder')
  })

  test('takes over the lock of a process that is gone, and of one that wrote nothing into it', async () => {
    await mkdir(dataDir)
    for (const content of ['', '999999999']) {
      await writeFile(join(dataDir, 'identity-0.lock'), content)
      const identity = await openIdentity(dataDir)
      expect(await readdir(dataDir)).toContain('identity-0.key')
      expect(await readdir(dataDir)).not.toContain('identity-1.key')
      await identity.release()
    }
  })
})
