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

  test('is refused for a class whose name no release may have', async () => {
    await split('train', 'test')
    await writePictures('train/c\nd', 3)
    await expect(listed()).rejects.toThrow(/the name of this class holds a control character/)
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

  test('says which of two folders for training is left out', async () => {
    await split('Training', 'train', 'val')
    expect(await listed()).toEqual([
      'a,b',
      20,
      20,
      `${at('train')} is not read: ${at('Training')} is what is trained on; put all training pictures into one`,
    ])
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

describe('a list of pictures says what lies there instead', () => {
  test.each([
    ['data-00000-of-00001.arrow', /train: data-00000-of-00001\.arrow is a table or a store of/],
    [
      'x.tfrecord-00000-of-00001',
      /train: x\.tfrecord-00000-of-00001 is a table or a store of records/,
    ],
    ['0000.parquet', /train: 0000\.parquet is a table or a store of records/],
    ['cats.zip', /train: cats\.zip is an archive; unpack it first$/],
    ['a.txt', /train: no data set in it, only a\.txt; what is read: idx files/],
  ])('in a folder train: %s', async (name, message) => {
    await mkdir(at('test'))
    await mkdir(at('train'))
    for (const split of ['train', 'test']) await writeFile(at(split, name), 'PAR1')
    await expect(listPictures(folder)).rejects.toThrow(message)
    // Beside a folder that is no part of a data set, train may be a class.
    await mkdir(at('info'))
    await expect(listPictures(folder)).rejects.toThrow(
      new RegExp(`train: no picture that can be read is in it; (it holds only )?${name}`),
    )
  })

  test('beside folders without a picture', async () => {
    for (const name of ['docs', 'images']) await mkdir(at(name))
    await writeFile(at('train.parquet'), 'PAR1')
    await expect(listPictures(folder)).rejects.toThrow(/: train\.parquet is a table or a store/)
  })
})

describe('a picture', () => {
  const beginnings = [
    '\x89PNG\r\n\x1a\n',
    '\xff\xd8\xff\xe0',
    'GIF89a',
    'RIFF\x04\n\x00\x00WEBPVP8 ',
    '\x00\x00\x00\x20ftypavif',
  ]

  test('is known by any ending of its type', async () => {
    for (const name of ['a', 'b']) {
      await mkdir(at(name))
      for (const file of ['1.JPE', '2.jfif', '3.pjpeg', '4.JPEG', '5.apng', '6.jif']) {
        await writeFile(at(name, file), '')
      }
    }
    const { train, test: held, faults } = await listPictures(folder)
    expect([train.length + held.length, ...faults]).toEqual([12])
  })

  test('is known by its first bytes where its ending says nothing', async () => {
    for (const name of ['a', 'b']) {
      await mkdir(at(name))
      for (const [index, begins] of beginnings.entries()) {
        await writeFile(at(name, index % 2 === 0 ? `${index}` : `${index}.dat`), begins, 'latin1')
      }
      await writeFile(at(name, 'README'), 'how they were made')
      await writeFile(at(name, 'film.mp4'), '\x00\x00\x00\x20ftypisom', 'latin1')
    }
    const { train, test: held, faults } = await listPictures(folder)
    expect([train.length + held.length, ...faults]).toEqual([10])
  })

  test('is missing where other files lie, which are named', async () => {
    await writePictures('a', 3)
    await writePictures('b', 3)
    await mkdir(at('c'))
    for (let i = 0; i < 7; i++) await writeFile(at('c', `${i}`), 'numbers')
    expect((await listPictures(folder)).faults).toEqual([
      `${at('c')}: no picture that can be read is in it; it holds only 0, 1, 2, 3, 4 and 2 more`,
    ])
  })

  test('that lies in no class is a fault, in one line for each folder', async () => {
    for (const name of ['train/a', 'train/b', 'test/a', 'test/b']) await writePictures(name, 3)
    await writePictures('train', 3)
    await writeFile(at('test', 'x.heic'), '')
    await writeFile(at('logo.png'), '')
    await writeFile(at('labels.csv'), '')
    const one = 'in no class folder is not read,'
    expect((await listPictures(folder)).faults).toEqual([
      `${folder}: 1 picture ${one} logo.png; put it into that of its class`,
      `${at('train')}: 3 pictures in no class folder are not read, as 0.png; put each into that of its class`,
      `${at('test')}: 1 picture ${one} x.heic; put it into that of its class`,
    ])
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
