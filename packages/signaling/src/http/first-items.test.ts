import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { firstItems } from './first-items.ts'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'layerswarm-idx-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

async function file(...bytes: number[]): Promise<string> {
  const path = join(folder, 'some.idx')
  await writeFile(path, new Uint8Array(bytes))
  return path
}

/** Three pictures of 1 by 2 bytes. */
const THREE = [0, 0, 8, 3, 0, 0, 0, 3, 0, 0, 0, 1, 0, 0, 0, 2, 10, 11, 20, 21, 30, 31]

test('the first items are the beginning of the file, with a head that counts them', async () => {
  const path = await file(...THREE)
  const head = Buffer.from([0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2])
  expect(await firstItems(path, 2)).toEqual({ firstOf: path, head, bytes: head.length + 4 })
})

test.each([
  ['all items', THREE, 3],
  ['no items', THREE, 0],
  ['a file that is none', [1, 2, 3], 1],
  ['an empty file', [], 1],
  ['a file that is cut off', THREE.slice(0, -1), 1],
  ['items without a byte', [0, 0, 8, 2, 0, 0, 0, 3, 0, 0, 0, 0], 1],
  ['a head that names more than there is', [0, 0, 8, 1, 255, 255, 255, 255, 1], 1],
])('of %s the file itself is left to be sent', async (_what, bytes, count) => {
  expect(await firstItems(await file(...bytes), count)).toBeUndefined()
})
