import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Preprocessing } from '@layerswarm/model'
import sharp, { type Sharp } from 'sharp'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { CliError } from '../cli-error.ts'
import { readPicture } from './picture.ts'

const grey: Preprocessing = { size: 28, channels: 1, mean: [0], std: [1], foreground: 'light' }
const colour: Preprocessing = {
  size: 28,
  channels: 3,
  mean: [0, 0, 0],
  std: [1, 1, 1],
  foreground: 'any',
}

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'layerswarm-picture-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

async function save(name: string, content: Sharp | Uint8Array): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, content instanceof Uint8Array ? content : await content.toBuffer())
  return path
}

/** 28 × 28 pixels: the left half black, the right half of the given colour. */
function halves(background: string): Sharp {
  const right = { create: { width: 14, height: 28, channels: 3 as const, background } }
  return sharp({
    create: { width: 28, height: 28, channels: 3, background: 'black' },
  }).composite([{ input: right, left: 14, top: 0 }])
}

/** Whatever a promise rejects with. */
async function failureOf(promise: Promise<unknown>): Promise<CliError> {
  const error: unknown = await promise.catch((thrown: unknown) => thrown)
  if (error instanceof CliError) return error
  throw new Error(`rejected with ${error}`)
}

describe('a picture', () => {
  test.each(['png', 'jpeg', 'webp'] as const)('is read from %s', async (format) => {
    const path = await save(`red.${format}`, halves('#ff0000').toFormat(format, { quality: 100 }))
    const { shape, data } = await readPicture(path, colour)
    expect(shape).toEqual([1, 3, 28, 28])
    expect(data[28 * 14 + 2]).toBeCloseTo(0, 1)
    // JPEG and WebP store colour at half the resolution and leave a trace of green.
    expect(data[28 * 14 + 25]).toBeCloseTo(1, 1)
    expect(data[784 + 28 * 14 + 25]).toBeLessThan(0.1)
  })

  test('of one grey channel becomes the same tensor as its colour form', async () => {
    const white = halves('#ffffff')
    const one = await save('grey.png', white.clone().toColourspace('b-w').png())
    const three = await save('rgb.png', white.clone().png())
    const tensor = await readPicture(one, grey)
    expect(tensor.shape).toEqual([1, 1, 28, 28])
    expect(tensor).toEqual(await readPicture(three, grey))
  })

  test('of 16 bits per channel is scaled to the same range', async () => {
    const path = await save('deep.png', halves('#ffffff').toColourspace('rgb16').png())
    const { data } = await readPicture(path, colour)
    expect(data[28 * 14 + 25]).toBeCloseTo(1, 2)
  })

  test.each([
    ['a text', 'note.txt', () => Buffer.from('not a picture')],
    ['an empty file', 'empty.png', () => Buffer.alloc(0)],
    [
      'a cut off file',
      'cut.png',
      async () => (await halves('#fff').png().toBuffer()).subarray(0, 60),
    ],
    ['a format with a larger decoder', 'a.tiff', () => halves('#fff').tiff().toBuffer()],
    [
      'a drawing',
      'a.svg',
      () => Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'),
    ],
  ])('is refused in one line when it is %s', async (_what, name, make) => {
    const { fault, message } = await failureOf(readPicture(await save(name, await make()), grey))
    expect(fault.code).toBe('bad-picture')
    expect(message).toContain(name)
    expect(message).not.toContain('\n')
  })

  test('that does not exist is named', async () => {
    const { fault, message } = await failureOf(readPicture(join(folder, 'none.png'), grey))
    expect(fault.code).toBe('not-found')
    expect(message).toContain('none.png does not exist')
  })
})
