import { readFile } from 'node:fs/promises'
import { imageTensor, parseHuggingFacePreprocessor, preparePicture } from '@layerswarm/model'
import { decodeImage } from '@layerswarm/peer/images'
import { describe, expect, test } from 'vitest'
import { loadPictureCases } from './picture-cases.ts'

const { cases, configs, bytesOf, fileOf } = await loadPictureCases()
const spec = { imageSize: 32, channels: 3 }

describe('a picture for a processor of Hugging Face', () => {
  test.each(cases)('has the pixels that Pillow gives it: %s', async (name) => {
    const [picture = '', config = ''] = name.split('|')
    const preprocessing = parseHuggingFacePreprocessor(configs[config], spec)
    const pixels = await decodeImage(new Blob([Uint8Array.from(await readFile(fileOf(picture)))]))
    const seen = preparePicture(pixels, preprocessing)
    const differing = seen.filter((byte, at) => byte !== bytesOf(name)[at])
    expect([seen.length, differing.length]).toEqual([3072, 0])
  })

  const values = [
    ['no-rescale', (byte: number) => (byte - 0.5) / 0.5],
    ['rescale-127', (byte: number) => byte / 127.5],
    ['vit', (byte: number) => (byte / 255 - 0.5) / 0.5],
  ] as const
  const pictures = [...new Set(cases.map((name) => name.split('|')[0] ?? ''))]
  test.each(pictures.flatMap((picture) => values.map((one) => [picture, ...one] as const)))(
    '%s is rescaled and normalised as %s says',
    async (picture, config, expected) => {
      const preprocessing = parseHuggingFacePreprocessor(configs[config], spec)
      const pixels = await decodeImage(new Blob([Uint8Array.from(await readFile(fileOf(picture)))]))
      const { data } = imageTensor(pixels, preprocessing)
      const bytes = bytesOf(`${picture}|vit`)
      for (const [at, byte] of bytes.entries()) {
        const value = data[(at % 3) * 1024 + Math.floor(at / 3)] ?? Number.NaN
        expect(Math.abs(value - expected(byte))).toBeLessThan(1e-4)
      }
    },
  )
})
