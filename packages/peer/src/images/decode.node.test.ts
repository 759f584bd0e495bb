import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { preparePicture } from '@layerswarm/model'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { PeerError } from '../errors.ts'
import { decodeImage } from './decode.node.ts'

/** Two red pixels above one another. */
let png: Buffer
let folder = ''
let server: Server
let address = ''

beforeAll(async () => {
  const red = { r: 255, g: 0, b: 0 }
  png = await sharp({ create: { width: 1, height: 2, channels: 3, background: red } })
    .png()
    .toBuffer()
  folder = await mkdtemp(join(tmpdir(), 'layerswarm-images-'))
  await writeFile(join(folder, 'red.png'), png)
  await writeFile(join(folder, 'half.png'), png.subarray(0, png.length - 20))
  const jpeg = await sharp({ create: { width: 64, height: 64, channels: 3, background: red } })
    .jpeg()
    .toBuffer()
  await writeFile(join(folder, 'half.jpg'), jpeg.subarray(0, jpeg.length - 20))
  await writeFile(join(folder, 'begun.jpg'), jpeg.subarray(0, 100))
  await writeFile(join(folder, 'spoilt.png'), Uint8Array.from(png).fill(7, 30, 60))
  const heic = [...Buffer.from('\0\0\0\x18ftypheic\0\0\0\0mif1heic'), ...Array(64).fill(0)]
  await writeFile(join(folder, 'photo.heic'), Uint8Array.from(heic))
  await writeFile(join(folder, 'photo.bmp'), 'BM and pixels')
  await writeFile(join(folder, 'photo.tif'), 'II*\0 and pixels')
  await writeFile(join(folder, 'pointer.png'), 'version https://git-lfs.github.com/spec/v1\n')
  await writeFile(join(folder, 'page.jpg'), '<!doctype html><title>Sign in</title>')
  await writeFile(join(folder, 'note.txt'), 'no picture')
  await writeFile(join(folder, 'empty.png'), '')
  const large = { width: 8_200, height: 8_200, channels: 3, background: red } as const
  await writeFile(join(folder, 'large.png'), await sharp({ create: large }).png().toBuffer())
  await writeFile(
    join(folder, 'drawing.svg'),
    '<svg xmlns="http://www.w3.org/2000/svg" width="2" height="2"/>',
  )
  server = createServer((request, response) => {
    response.writeHead(request.url === '/red.png' ? 200 : 404)
    response.end(request.url === '/red.png' ? png : '')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const bound = server.address()
  address = `http://127.0.0.1:${typeof bound === 'object' ? bound?.port : ''}`
}, 60_000)
afterAll(async () => {
  server.close()
  await rm(folder, { recursive: true })
})

describe('a picture in Node', () => {
  const sources = {
    'the path of a file': () => join(folder, 'red.png'),
    'an address of a file': () => pathToFileURL(join(folder, 'red.png')),
    'an address': () => new URL('/red.png', address),
    'an address as text': () => `${address}/red.png`,
    'a data: address': () => `data:image/png;base64,${png.toString('base64')}`,
    'a blob: address': () => URL.createObjectURL(new Blob([Uint8Array.from(png)])),
    'a blob': () => new Blob([Uint8Array.from(png)]),
    pixels: () => ({ width: 1, height: 2, data: Uint8Array.of(255, 0, 0, 255, 255, 0, 0, 255) }),
  }
  test.each(Object.entries(sources))('is decoded from %s', async (_, source) => {
    const { width, height, data } = await decodeImage(source())
    expect([width, height]).toEqual([1, 2])
    expect([...data]).toEqual([255, 0, 0, 255, 255, 0, 0, 255])
  })

  test.each([
    ['missing.png', 'cannot be opened: is that the right path?'],
    ['half.png', 'is cut off: its end is missing; copy or download it again'],
    ['half.jpg', 'is cut off: its end is missing; copy or download it again'],
    ['begun.jpg', 'is cut off: its end is missing; copy or download it again'],
    ['spoilt.png', 'is damaged'],
    ['empty.png', 'is empty'],
    ['large.png', 'has 8200 × 8200 pixels, more than 67108864; make it smaller'],
    ['.', 'is a folder'],
    ['note.txt', 'is no picture that can be read: PNG, JPEG, WebP, GIF or AVIF'],
    ['drawing.svg', 'is SVG, which cannot be read here; save it as PNG or JPEG'],
    ['photo.heic', 'is HEIC, which cannot be read here; save it as PNG or JPEG'],
    ['photo.bmp', 'is BMP, which cannot be read here; save it as PNG or JPEG'],
    ['photo.tif', 'is TIFF, which cannot be read here; save it as PNG or JPEG'],
    [
      'pointer.png',
      'is a Git LFS pointer, which only names the file: fetch the file itself with git lfs pull',
    ],
    [
      'page.jpg',
      'is a web page, not the file: the address wanted a login or was wrong; fetch it again',
    ],
  ])('that cannot be used is refused in one line: %s', async (name, reason) => {
    const path = `${folder}/${name}`
    const error = await decodeImage(path).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(PeerError)
    expect(error).toMatchObject({ message: `${path} ${reason}`, fault: { code: 'bad-image' } })
  })

  test.each([
    [
      'nothing',
      null,
      'the picture is none: a path, an address, a Blob or decoded pixels are taken',
    ],
    ['a number', 5, 'the picture is none'],
    ['a list', [], 'the picture is none'],
    ['an empty text', ' ', 'an empty text cannot be opened'],
    ['an empty blob', new Blob([]), 'the picture is empty'],
    ['what has no end', '/dev/zero', '/dev/zero is no file'],
    ['a canvas', { width: 1, height: 1 }, 'is something of a browser, which Node cannot read'],
    ['a file elsewhere', new URL('file://host/x.png'), 'names no file of this machine'],
    ['a long address', `data:image/png;base64,${'A'.repeat(5_000)}`, '… is no picture'],
  ])('that is none is refused in one line: %s', async (_, source, words) => {
    const error: unknown = await decodeImage(source as string).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({
      fault: { code: 'bad-image' },
      message: expect.stringContaining(words),
    })
    expect(String(error).length).toBeLessThan(400)
  })

  test('of any kind is red where it is red', async () => {
    const create = { width: 16, height: 16, channels: 3, background: '#e02010' } as const
    const source = () => sharp({ create })
    const kinds = {
      palette: source().png({ palette: true }),
      deep: source().toColourspace('rgb16').png(),
      cmyk: source().toColourspace('cmyk').jpeg({ quality: 100 }),
      webp: source().webp({ lossless: true }),
      gif: source().gif(),
      avif: source().avif({ lossless: true }),
    }
    for (const [kind, file] of Object.entries(kinds)) {
      const bytes = Uint8Array.from(await file.toBuffer())
      const { width, data } = await decodeImage(new Blob([bytes]))
      expect(width, kind).toBe(16)
      // By the profile with which it was made inks have no such red.
      const near = kind === 'cmyk' ? 40 : 4
      for (const [channel, value] of [0xe0, 0x20, 0x10, 255].entries())
        expect(Math.abs((data[channel] ?? 0) - value), kind).toBeLessThanOrEqual(near)
    }
  })

  test('keeps what shines through, and stands as the camera held it', async () => {
    const clear = { r: 255, g: 0, b: 0, alpha: 0.5 }
    const file = await sharp({ create: { width: 4, height: 2, channels: 4, background: clear } })
      .webp({ lossless: true })
      .toBuffer()
    expect((await decodeImage(new Blob([Uint8Array.from(file)]))).data[3]).toBe(128)
    const turned = await sharp(png).withMetadata({ orientation: 6 }).jpeg().toBuffer()
    const { width, height } = await decodeImage(new Blob([Uint8Array.from(turned)]))
    expect([width, height]).toEqual([2, 1])
  })

  test('that is large is shrunk while it is decoded, and comes out as if it were not', async () => {
    const raw = new Uint8Array(3200 * 1800)
    // Waves of 80 to 200 pixels, and of 9.
    for (let at = 0; at < raw.length; at++) {
      const [x, y] = [at % 3200, Math.floor(at / 3200)]
      raw[at] = 128 + 60 * Math.sin(x / (20 + y / 100)) + 60 * Math.sin(y / 1.4)
    }
    const wave = sharp(raw, { raw: { width: 3200, height: 1800, channels: 1 } })
    const resize = { mode: 'shortest-edge', edge: 72, filter: 'bicubic' } as const
    const format = { size: 64, channels: 1, mean: [0], foreground: 'any', resize } as const
    const files = { jpeg: wave.clone().jpeg({ quality: 95 }), png: wave.clone().png() }
    for (const [kind, file] of Object.entries(files)) {
      const blob = new Blob([Uint8Array.from(await file.toBuffer())])
      const small = await decodeImage(blob, format)
      expect([small.width, small.whole], kind).toEqual([400, { width: 3200, height: 1800 }])
      const seen = preparePicture(small, format)
      const exact = preparePicture(await decodeImage(blob), format)
      const apart = seen.reduce((sum, byte, at) => sum + Math.abs(byte - (exact[at] ?? 0)), 0)
      expect(apart / seen.length, kind).toBeLessThan(1)
    }
  })

  test('of too many pixels in a JPEG file is shrunk until it has not', async () => {
    const create = { width: 8_200, height: 8_200, channels: 3, background: '#405060' } as const
    const bytes = Uint8Array.from(await sharp({ create }).jpeg().toBuffer())
    const { width, whole } = await decodeImage(new Blob([bytes]))
    expect([width, whole?.width]).toEqual([4_100, 8_200])
  }, 120_000)

  test('that is not where its address says is refused', async () => {
    await expect(decodeImage(`${address}/none.png`)).rejects.toThrow(/none\.png does not exist$/)
  })
})
