import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { listPictures } from './picture-files.ts'

let folder = ''
const at = (...names: string[]): string => join(folder, ...names)

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pictures-'))
})
afterEach(() => rm(folder, { recursive: true }))

/** Empty files: a list opens none. */
async function writePictures(where: string, count: number): Promise<void> {
  await mkdir(at(where), { recursive: true })
  for (let i = 0; i < count; i++) await writeFile(at(where, `${i}.png`), '')
}

describe('a list of pictures', () => {
  const split = async (...names: string[]): Promise<void> => {
    for (const name of names) {
      await writePictures(join(name, 'a'), 10)
      await writePictures(join(name, 'b'), 10)
    }
  }
  const listed = async (): Promise<unknown[]> => {
    const { labels, train, test: held, faults, notes } = await listPictures(folder)
    return [labels.join(), train.length, held.length, ...faults, ...notes]
  }

  test.each([
    ['train', 'test'],
    ['Training', 'Testing'],
    ['train', 'val'],
    ['TRAIN', 'Valid'],
    ['training', 'validation'],
  ])('takes %s and %s for what they are', async (...names) => {
    await split(...names)
    expect(await listed()).toEqual(['a,b', 20, 20])
  })

  test('is measured on test where there is val too, and says so', async () => {
    await split('train', 'val', 'test')
    await writePictures('test/a', 3)
    expect(await listed()).toEqual([
      'a,b',
      20,
      20,
      `${at('val')} is left out: ${at('test')} is what is measured on`,
    ])
  })

  test('takes val where the test pictures have no classes', async () => {
    await split('train', 'val')
    await writePictures('test', 5)
    expect(await listed()).toEqual([
      'a,b',
      20,
      20,
      `${at('test')} is left out: it has no class folders`,
    ])
  })

  test('gives up a tenth of every class where train is alone, always the same pictures', async () => {
    await writePictures('train/a', 40)
    await writePictures('train/b', 12)
    await writePictures('train/c', 3)
    const read = async () => (await listPictures(folder)).test
    const [first, second] = [await read(), await read()]
    expect(first.map(({ label }) => label)).toEqual([0, 0, 0, 0, 1, 2])
    expect(second).toEqual(first)
    // Drawn, and not every tenth: neighbours of a series look alike.
    const all = (await listPictures(folder)).train.filter(({ label }) => label === 0)
    expect(all).toHaveLength(36)
    const drawn = first.slice(0, 4).map(({ path }) => path)
    expect(drawn).not.toEqual([9, 18, 27, 36].map((place) => at('train/a', `${place}.png`)))
  })

  test('keeps a class that is called train', async () => {
    for (const name of ['bus', 'train']) await writePictures(name, 10)
    expect(await listed()).toEqual(['bus,train', 18, 2])
  })

  test('without train, or without classes in it, is refused with what is missing', async () => {
    await split('test', 'val')
    await expect(listPictures(folder)).rejects.toThrow(/holds test and val but no folder "train"/)
    await mkdir(at('train'))
    await writeFile(at('train', 'cat.7.jpg'), '')
    await expect(listPictures(folder)).rejects.toThrow(
      /train: it holds 1 picture and no class folders; .*train.cat.cat\.7\.jpg/,
    )
  })
})

test('what systems put beside pictures is no class and no picture, and links are followed', async () => {
  await writePictures('a', 10)
  await writePictures('elsewhere/b', 10)
  await mkdir(at('set'))
  await symlink(at('a'), at('set', 'a'))
  await symlink(at('elsewhere/b'), at('set', 'b'))
  await symlink(at('a', '1.png'), at('elsewhere/b', 'linked.png'))
  await writePictures('set/__MACOSX/a', 3)
  await mkdir(at('set/@eaDir'))
  for (const name of ['._0.png', '.DS_Store', 'Thumbs.db']) {
    await writeFile(at('a', name), 'resource fork')
  }
  const { labels, train, test: held, faults } = await listPictures(at('set'))
  expect([labels.join(), train.length + held.length, ...faults]).toEqual(['a,b', 21])
})
