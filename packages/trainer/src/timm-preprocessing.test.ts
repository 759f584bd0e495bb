import { describe, expect, test } from 'vitest'
import { refusal } from './refusal-fixture.ts'
import { timmPreprocessing } from './timm-preprocessing.ts'

const told = {
  ...{ mean: [0.1, 0.2, 0.3], std: [0.4, 0.5, 0.6] },
  ...{ crop_pct: 0.9, crop_mode: 'center', interpolation: 'bilinear' },
}
const read = (changes: object = {}) =>
  timmPreprocessing({ pretrained_cfg: { ...told, ...changes } }, { imageSize: 32, channels: 3 })

describe('what timm says of pictures', () => {
  test('is read from pretrained_cfg, and from config.json itself where older ones have it', () => {
    const expected = {
      ...{ size: 32, channels: 3, foreground: 'any', mean: told.mean, std: told.std },
      resize: { mode: 'shortest-edge', edge: 35, filter: 'bilinear' },
    }
    expect(read()).toEqual(expected)
    expect(timmPreprocessing(told, { imageSize: 32, channels: 3 })).toEqual(expected)
  })

  test('squashes both sides and cuts the middle out with crop_mode "squash"', () => {
    const resize = { mode: 'stretch', height: 35, width: 35, filter: 'bilinear' }
    expect(read({ crop_mode: 'squash' }).resize).toEqual(resize)
    expect(read({ crop_mode: 'squash', crop_pct: 1 }).resize).toMatchObject({ height: 32 })
  })

  test.each(['nearest', 'box', 'bilinear', 'hamming', 'bicubic', 'lanczos'])(
    'has the filter %s',
    (interpolation) => {
      expect(read({ interpolation }).resize).toMatchObject({ filter: interpolation })
    },
  )

  test.each([
    ['the cubic filter', { interpolation: undefined }, { resize: { filter: 'bicubic' } }],
    ['the middle 0.875', { crop_pct: undefined, interpolation: null }, { resize: { edge: 36 } }],
    ['the middle', { crop_mode: null, crop_pct: 0 }, { resize: { mode: 'shortest-edge' } }],
    ["ImageNet's mean", { mean: undefined }, { mean: [0.485, 0.456, 0.406], std: told.std }],
    ["ImageNet's deviation", { std: null }, { mean: told.mean, std: [0.229, 0.224, 0.225] }],
  ])('is, where nothing is said, %s', (_, changes, expected) => {
    expect(read(changes)).toMatchObject(expected)
  })

  test('is ImageNet for a config.json that says nothing', () => {
    expect(timmPreprocessing({}, { imageSize: 224, channels: 3 })).toMatchObject({
      mean: [0.485, 0.456, 0.406],
      resize: { mode: 'shortest-edge', edge: 256, filter: 'bicubic' },
    })
  })

  test.each([
    ['crop_mode', { crop_mode: 'border' }, /"crop_mode" is "border"; only "center" and "squash"/],
    ['crop_mode', { crop_mode: ['a'] }, /"crop_mode" is a list/],
    [
      'interpolation',
      { interpolation: 'random' },
      /"interpolation" is "random"; only nearest, box/,
    ],
    ['interpolation', { interpolation: 3 }, /"interpolation" is 3/],
    ['crop_pct', { crop_pct: 0.001 }, /"crop_pct" is 0\.001: .* to 32000 pixels, and 1 to 1024/],
    ['crop_pct', { crop_pct: 40 }, /"crop_pct" is 40: pictures would be resized to 0 pixels/],
    ['crop_pct', { crop_pct: '0.9' }, /"crop_pct" is "0\.9", not a number above 0/],
    ['mean', { mean: [0.5] }, /"mean" must be 3 numbers/],
    ['std', { std: [0, 0, 0] }, /"std" must be 3 numbers/],
  ])('is refused by the name of the field: %s', (_, changes, message) => {
    const line = refusal(() => read(changes))
    expect(line).toMatch(message)
    expect(line).toMatch(/^config\.json: "/)
  })

  test('is refused where pretrained_cfg is no object', () => {
    for (const wrong of ['x', ['x'], 7])
      expect(
        refusal(() => timmPreprocessing({ pretrained_cfg: wrong }, { imageSize: 32, channels: 3 })),
      ).toMatch(/^config\.json: "pretrained_cfg" is .*, not an object$/)
  })
})
