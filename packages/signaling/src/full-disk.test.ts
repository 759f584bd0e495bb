import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { keptCertificate } from './certificate.ts'
import { loadIdentity } from './identity.ts'
import { replaceFile } from './replace-file.ts'

let dir: string

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'layerswarm-disk-'))
})

afterEach(() => rm(dir, { recursive: true }))

/** Runs with a disk on which no byte can be written: the limit of file sizes (setrlimit, RLIMIT_FSIZE) is 0. */
async function onFullDisk<R>(work: () => Promise<R>): Promise<R> {
  const limit = (size: string) =>
    execFileSync('prlimit', ['--pid', String(process.pid), `--fsize=${size}:unlimited`])
  const survive = () => {}
  // Without a listener this signal ends the process; with one, the write fails.
  process.on('SIGXFSZ', survive)
  limit('0')
  try {
    return await work()
  } finally {
    limit('unlimited')
    process.off('SIGXFSZ', survive)
  }
}

async function lineOf(work: () => Promise<unknown>): Promise<string> {
  const error: unknown = await work().then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof Error)) throw new Error('nothing was thrown')
  expect(error.message).not.toContain('\n')
  return error.message
}

describe.skipIf(process.platform !== 'linux')('on a full disk', () => {
  test('an identity is not begun, and made when there is room again', async () => {
    const line = await onFullDisk(() => lineOf(() => loadIdentity(dir)))
    expect(line).toMatch(
      /the identity cannot be kept in .*: no .*; name a folder .* with room left/,
    )
    expect(await readdir(dir)).toEqual([])
    const made = await loadIdentity(dir)
    expect((await loadIdentity(dir)).equals(made)).toBe(true)
  })

  test('a certificate is not begun, and made when there is room again', async () => {
    const line = await onFullDisk(() => lineOf(() => keptCertificate(dir, ['localhost'])))
    expect(line).toMatch(/tls-cert\.pem cannot be kept: no .*; name a folder .* with room left/)
    expect(await readdir(dir)).toEqual([])
    const made = await keptCertificate(dir, ['localhost'])
    expect(await keptCertificate(dir, ['localhost'])).toEqual(made)
  })

  test('what is there already stays as it is', async () => {
    const file = join(dir, 'kept')
    await writeFile(file, 'before')
    await onFullDisk(() => lineOf(() => replaceFile(file, (draft) => writeFile(draft, 'after'))))
    expect(await readFile(file, 'utf8')).toBe('before')
    expect(await readdir(dir)).toEqual(['kept'])
  })
})

describe('an identity', () => {
  test('in an empty file is named in one line, and the file stays', async () => {
    await writeFile(join(dir, 'identity.key'), '')
    expect(await lineOf(() => loadIdentity(dir))).toBe(
      `the identity in ${join(dir, 'identity.key')} is an empty file; put a copy in its place, or delete it to get a new peer id`,
    )
    expect(await readFile(join(dir, 'identity.key'), 'utf8')).toBe('')
  })

  test('says that its folder is none, or lies below something that is none', async () => {
    const file = join(dir, 'file')
    await writeFile(file, '')
    await mkdir(join(dir, 'folder'))
    for (const place of [file, join(file, 'below')]) {
      expect(await lineOf(() => loadIdentity(place))).toMatch(
        /: (a part of the path is not a folder|it is not a folder); name a folder with --data/,
      )
    }
  })
})
