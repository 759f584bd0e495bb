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
    ['note.txt', 'is no picture that can be read: PNG, JPEG or WebP'],
    ['drawing.svg', 'is a svg; PNG, JPEG and WebP can be read'],
  ])('that cannot be used is refused in one line: %s', async (name, reason) => {
    const path = join(folder, name)
    const error = await decodeImage(path).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(PeerError)
    expect(error).toMatchObject({ message: `${path} ${reason}`, fault: { code: 'bad-image' } })
  })

  test('that is not where its address says is refused', async () => {
    await expect(decodeImage(`${address}/none.png`)).rejects.toThrow(/none\.png does not exist$/)
  })
})
