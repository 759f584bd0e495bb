import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
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
})
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
    ['half.png', 'is cut off or damaged'],
    ['empty.png', 'is empty'],
    ['large.png', 'has more than 67108864 pixels; make it smaller'],
    ['.', 'is a folder'],
    ['note.txt', 'is no picture that can be read: PNG, JPEG or WebP'],
    ['drawing.svg', 'is a svg; PNG, JPEG and WebP can be read'],
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

  test('that is not where its address says is refused', async () => {
    await expect(decodeImage(`${address}/none.png`)).rejects.toThrow(/none\.png does not exist$/)
  })
})
