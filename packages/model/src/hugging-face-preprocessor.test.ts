import { describe, expect, test } from 'vitest'
import { ModelError } from './errors.ts'
import { parseHuggingFacePreprocessor } from './hugging-face-preprocessor.ts'

const spec = { imageSize: 32, channels: 3 }
const vit = { image_processor_type: 'ViTImageProcessor', size: 32 }
const read = (value: unknown) => parseHuggingFacePreprocessor(value, spec)

/** The field that is named, and what is said of it. */
function refusal(value: unknown): string {
  try {
    read(value)
  } catch (error) {
    if (error instanceof ModelError) return error.message
  }
  return 'nothing'
}

describe('a preprocessor of Hugging Face', () => {
  test('that is not there does what that of ViT does by itself', () => {
    expect(read(undefined)).toEqual({
      ...{ size: 32, channels: 3, foreground: 'any' },
      ...{ mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] },
      resize: { mode: 'stretch', height: 32, width: 32, filter: 'bilinear' },
    })
  })

  test('whose type is no text is refused in one line, whatever it is instead', () => {
    for (const type of [{ toString: 1, valueOf: null }, ['ViTImageProcessor'], 3, true])
      expect(refusal({ ...vit, image_processor_type: type })).toMatch(
        /"image_processor_type" is .*; processors of .* can be followed/,
      )
  })

  test('of DeiT cuts the middle out of a larger square', () => {
    const { resize, mean } = read({ feature_extractor_type: 'DeiTFeatureExtractor', crop_size: 32 })
    expect(resize).toEqual({ mode: 'stretch', height: 256, width: 256, filter: 'bicubic' })
    expect(mean).toEqual([0.485, 0.456, 0.406])
  })

  test.each([
    ['a number, a square', { size: 32 }, { mode: 'stretch', height: 32, width: 32 }],
    ['a pair', { size: [32, 32] }, { mode: 'stretch', height: 32, width: 32 }],
    ['sides', { size: { height: 32, width: 32 } }, { mode: 'stretch', height: 32, width: 32 }],
    [
      'a shortest edge',
      { size: { shortest_edge: 36 }, do_center_crop: true },
      { mode: 'shortest-edge', edge: 36 },
    ],
    [
      'a number, for CLIP a shortest edge',
      {
        image_processor_type: 'CLIPImageProcessorFast',
        size: 36,
        crop_size: { height: 32, width: 32 },
      },
      { mode: 'shortest-edge', edge: 36, filter: 'bicubic' },
    ],
  ])('has its size written as %s', (_, fields, resize) => {
    expect(read({ ...vit, ...fields }).resize).toEqual({ filter: 'bilinear', ...resize })
  })

  test('may leave out any of its steps', () => {
    const bare = read({ ...vit, do_resize: false, do_center_crop: true, do_normalize: false })
    expect(bare).toMatchObject({ resize: { mode: 'none' }, mean: [0, 0, 0], std: [1, 1, 1] })
    expect(read({ ...vit, do_rescale: false }).rescale).toBe(1)
    expect(read({ ...vit, rescale_factor: 1 / 127.5 }).rescale).toBe(1 / 127.5)
    expect(read({ ...vit, rescale_factor: 0.00392156862745098 })).not.toHaveProperty('rescale')
  })

  test('counts filters as Pillow does', () => {
    const filters = [0, 1, 2, 3, 4, 5].map((resample) => read({ ...vit, resample }).resize)
    expect(filters.map((resize) => (resize as { filter: string }).filter)).toEqual([
      'nearest',
      'lanczos',
      'bilinear',
      'bicubic',
      'box',
      'hamming',
    ])
  })

  test('may say what changes no pixel', () => {
    const said = { do_convert_rgb: true, processor_class: 'X', do_pad: false, crop_pct: null }
    expect(read({ ...vit, ...said })).toEqual(read(vit))
  })

  test.each([
    [{ ...vit, do_pad: true }, '"do_pad" is not known'],
    [{ ...vit, rescale_offset: true }, '"rescale_offset" is not known'],
    [
      { image_processor_type: 'ConvNextImageProcessor' },
      '"image_processor_type" is "ConvNextImage',
    ],
    [{ ...vit, size: 48 }, '"size" is 48 × 48 pixels; the model sees 32 × 32'],
    [{ ...vit, size: { longest_edge: 32 } }, '"size.longest_edge" cannot be followed'],
    [{ ...vit, size: { height: 32 } }, '"size" must be'],
    [{ ...vit, size: { shortest_edge: 32 } }, '"size.shortest_edge" without "do_center_crop"'],
    [{ ...vit, do_center_crop: true, crop_size: 30 }, '"crop_size" is 30 × 30 pixels'],
    [{ ...vit, do_resize: false }, '"do_resize" is false without'],
    [{ ...vit, do_resize: 'yes' }, '"do_resize" is "yes", not true or false'],
    [{ ...vit, resample: 9 }, '"resample" is 9'],
    [{ ...vit, rescale_factor: 0 }, '"rescale_factor" is 0'],
    [{ ...vit, image_mean: [0.5] }, '"image_mean" is not 3 numbers'],
    [
      { ...vit, image_std: [0, 0, 0] },
      'preprocessor_config.json does not fit the model (manifest: "preprocessing.std"',
    ],
    [[], 'preprocessor_config.json is not an object'],
  ])('is refused by the first field that cannot be followed: %j', (value, words) => {
    expect(refusal(value)).toContain(words)
  })
})
