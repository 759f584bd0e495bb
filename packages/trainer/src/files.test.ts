import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { cannotWrite, makeFolder, replaceFile } from './files.ts'
import { openOutputFile, openOutputFolder } from './output-folder.ts'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'files-'))
})
afterAll(() => rm(folder, { recursive: true }))

describe('a file that is replaced', () => {
  test('has the new content, and nothing lies beside it', async () => {
    const file = join(folder, 'replaced', 'file')
    await mkdir(join(folder, 'replaced'))
    await writeFile(file, 'old')
    await replaceFile(file, 'new')
    expect(await readFile(file, 'utf8')).toBe('new')
    expect(await readdir(join(folder, 'replaced'))).toEqual(['file'])
  })

  test('leaves nothing behind when it cannot be written', async () => {
    const target = join(folder, 'blocked', 'a folder')
    await mkdir(target, { recursive: true })
    await writeFile(join(target, 'inside'), 'kept')
    await expect(replaceFile(target, 'new')).rejects.toMatchObject({
      code: 'cannot-write',
      message: expect.stringMatching(/a folder cannot be written: it is (not )?a folder$/),
    })
    expect(await readdir(join(folder, 'blocked'))).toEqual(['a folder'])
    await expect(replaceFile(join(folder, 'nowhere', 'file'), '')).rejects.toThrow(
      /nowhere\/file cannot be written: the folder does not exist$/,
    )
  })

  test.each([
    ['ENOSPC', /no space is left/],
    ['EROFS', /read-only/],
    ['EIO', /the system says EIO/],
  ])('says what %s means', (code, line) => {
    const error = Object.assign(new Error('write'), { code })
    expect(cannotWrite('model', error)).toMatchObject({ message: expect.stringMatching(line) })
  })
})

describe('a folder', () => {
  test('is made with those above it, and the first of them named', async () => {
    const above = join(folder, 'made')
    expect(await makeFolder(join(above, 'x', 'y'))).toBe(above)
    expect(await makeFolder(join(above, 'x', 'y'))).toBeUndefined()
    expect(await readdir(join(above, 'x'))).toEqual(['y'])
  })

  test('is refused in a line where a file is in its place or above it', async () => {
    const file = join(folder, 'a file')
    await writeFile(file, '')
    for (const path of [file, join(file, 'below'), join(file, 'far', 'below')])
      await expect(makeFolder(path)).rejects.toMatchObject({ code: 'cannot-write' })
  })

  test.runIf(process.platform === 'linux')('is refused where none can be', async () => {
    await expect(makeFolder('/proc/layerswarm/report')).rejects.toMatchObject({
      code: 'cannot-write',
    })
  })
})

describe('an output folder', () => {
  test('is made with the folders above it', async () => {
    await openOutputFolder(join(folder, 'a', 'b'), 1)
    expect(await readdir(join(folder, 'a'))).toEqual(['b'])
  })

  test('without room for the results is refused before any work is done', async () => {
    await expect(openOutputFolder(folder, 1e18)).rejects.toThrow(
      /MB left and 1000000000000\.0 are needed; choose another folder or make room/,
    )
  })

  test('that was made for nothing is taken away again', async () => {
    await expect(openOutputFolder(join(folder, 'new', 'below'), 1e18)).rejects.toThrow(/MB left/)
    expect(await readdir(folder)).not.toContain('new')
  })

  test('is asked for where a file is to be named', async () => {
    const page = join(folder, 'page.md')
    await openOutputFile(page, 1, 'results.md')
    await expect(openOutputFile(folder, 1, 'results.md')).rejects.toThrow(
      `${folder} is a folder; name a file in it, such as ${join(folder, 'results.md')}`,
    )
    await expect(openOutputFile(join(folder, 'new/'), 1, 'results.md')).rejects.toThrow(
      `is a folder; name a file in it, such as ${join(folder, 'new', 'results.md')}`,
    )
    await expect(openOutputFile(page, 1e18, 'results.md')).rejects.toThrow(/MB left/)
  })

  test('below a file is refused', async () => {
    const file = join(folder, 'plain')
    await writeFile(file, '')
    await expect(openOutputFolder(join(file, 'below'), 1)).rejects.toMatchObject({
      code: 'cannot-write',
    })
  })
})
