import { createHash } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type DataSource, downloadData, readSources } from './download.ts'

const CONTENT = Buffer.from('the images')
const SHA256 = createHash('sha256').update(CONTENT).digest('hex')

let folder = ''
let server: Server
let origin = ''
const asked: string[] = []

beforeAll(async () => {
  server = createServer((request, response) => {
    asked.push(request.url ?? '')
    if (request.url === '/images') response.end(CONTENT)
    else if (request.url === '/broken') {
      response.writeHead(200, { 'content-length': 100 })
      response.write('half of', () => response.destroy())
    } else response.writeHead(404).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(() => new Promise((resolve) => server.close(resolve)))
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'download-'))
  asked.length = 0
})
afterEach(() => rm(folder, { recursive: true }))

const source = (changes: Partial<DataSource> = {}): DataSource => ({
  name: 'images.bin',
  url: `${origin}/images`,
  sha256: SHA256,
  ...changes,
})
const download = (sources: readonly DataSource[], signal?: AbortSignal) =>
  downloadData(sources, folder, { signal, onFile: () => {} })

describe('a download', () => {
  test('puts files with the right hash into the folder, and does not fetch them again', async () => {
    expect(await download([source(), source({ name: 'copy.bin' })])).toBe(2)
    expect(await readFile(join(folder, 'images.bin'))).toEqual(CONTENT)
    expect(await download([source()])).toBe(0)
    expect(asked).toHaveLength(2)
  })

  test('replaces a file that is damaged', async () => {
    await writeFile(join(folder, 'images.bin'), 'the imagos')
    expect(await download([source()])).toBe(1)
    expect(await readFile(join(folder, 'images.bin'))).toEqual(CONTENT)
  })

  test('with the wrong hash, one that breaks off, and one that is not there leave nothing', async () => {
    const other = '0'.repeat(64)
    await expect(download([source({ sha256: other })])).rejects.toThrow(
      /has the hash [0-9a-f]{64}, not 0+/,
    )
    await expect(download([source({ url: `${origin}/broken` })])).rejects.toThrow(/broke off/)
    await expect(download([source({ url: `${origin}/no` })])).rejects.toThrow(/answered 404/)
    expect(await readdir(folder)).toEqual([])
  })

  test('ends when it is told to', async () => {
    const signal = AbortSignal.abort(new Error('enough'))
    await expect(download([source()], signal)).rejects.toThrow('enough')
    expect(await readdir(folder)).toEqual([])
  })
})

describe('a list of sources', () => {
  const read = async (content: unknown): Promise<DataSource[]> => {
    const file = join(folder, 'sources.json')
    await writeFile(file, typeof content === 'string' ? content : JSON.stringify(content))
    return readSources(file)
  }

  test('is read', async () => {
    expect(await read({ files: [source()] })).toEqual([source()])
  })

  test('that is wrong is refused with the field', async () => {
    await expect(readSources(join(folder, 'none.json'))).rejects.toThrow(/cannot be read/)
    await expect(read('{"files"')).rejects.toThrow(/not JSON/)
    await expect(read({ files: [] })).rejects.toThrow(/"files" must be a list/)
    for (const name of ['../up', 'a/b', '.hidden', '']) {
      await expect(read({ files: [source({ name })] })).rejects.toThrow(/"files\.0\.name"/)
    }
    await expect(read({ files: [source({ url: 'file:///etc/passwd' })] })).rejects.toThrow(/\.url"/)
    await expect(read({ files: [source(), source({ sha256: 'AB' })] })).rejects.toThrow(
      /1\.sha256"/,
    )
  })
})
