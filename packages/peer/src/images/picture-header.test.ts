import sharp from 'sharp'
import { describe, expect, test } from 'vitest'
import { headerOf, isCutOff } from './picture-header.ts'

const create = { width: 300, height: 200, channels: 3, background: '#a03010' } as const
const FILES = {
  png: () => sharp({ create }).png(),
  jpeg: () => sharp({ create }).withMetadata({ orientation: 6 }).jpeg(),
  webp: () => sharp({ create }).webp(),
  gif: () => sharp({ create }).gif(),
} as const
const bytesOf = async (file: { toBuffer(): Promise<Buffer> }) =>
  Uint8Array.from(await file.toBuffer())

describe('the header of a picture', () => {
  test.each(Object.entries(FILES))('of %s says its size as it is stored', async (format, file) => {
    const size = { width: 300, height: 200 }
    expect(headerOf(await bytesOf(file()))).toEqual({ format, size })
  })

  test.each([
    ['lossless', sharp({ create }).webp({ lossless: true })],
    [
      'extended',
      sharp({ create: { ...create, channels: 4 } })
        .ensureAlpha(0.5)
        .webp(),
    ],
  ])('of a WebP that is %s says its size', async (_, file) => {
    expect(headerOf(await bytesOf(file))?.size).toEqual({ width: 300, height: 200 })
  })

  test('of AVIF and HEIC tells them apart', async () => {
    expect(headerOf(await bytesOf(sharp({ create }).avif()))?.format).toBe('avif')
    const heic = Uint8Array.from(Buffer.from('\0\0\0\x18ftypheic'))
    expect(headerOf(heic)?.format).toBe('heic')
  })

  test('is none of a text, and says no size where the file ends before it', async () => {
    expect(headerOf(Uint8Array.from(Buffer.from('<svg width="9"/>')))).toBeUndefined()
    expect(headerOf(new Uint8Array())).toBeUndefined()
    for (const file of Object.values(FILES)) {
      const bytes = await bytesOf(file())
      expect(headerOf(bytes.subarray(0, 18))?.size ?? 'none').toEqual(
        headerOf(bytes)?.format === 'gif' ? { width: 300, height: 200 } : 'none',
      )
    }
  })
})

describe('a file', () => {
  test.each(['png', 'jpeg', 'webp'] as const)(
    'of %s that lost its end is cut off',
    async (kind) => {
      const bytes = await bytesOf(FILES[kind]())
      const header = headerOf(bytes)
      if (header === undefined) throw new Error('no header')
      const isCut = (all: Uint8Array) => isCutOff(header, all, all, all.length)
      expect(isCut(bytes)).toBe(false)
      expect(isCut(bytes.subarray(0, bytes.length - 20))).toBe(true)
      // Some programs write a line behind it.
      expect(isCut(Uint8Array.from([...bytes, 10, 10]))).toBe(false)
    },
  )
})
