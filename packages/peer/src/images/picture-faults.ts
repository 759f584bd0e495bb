import { PICTURE_PIXELS_MAX } from '@layerswarm/model'

/** What is said of a picture that cannot be read, after its name, in Node and in a browser alike. */
export const PICTURE_FAULTS = Object.freeze({
  empty: 'is empty',
  cutOff: 'is cut off: its end is missing; copy or download it again',
  damaged: 'is damaged',
  heic: 'is HEIC, which cannot be read here; save it as JPEG',
  unknown: 'is no picture that can be read: PNG, JPEG, WebP, GIF or AVIF',
  /** @param format as the decoder calls it. */
  other: (format: string): string => `is a ${format}; PNG, JPEG, WebP, GIF and AVIF can be read`,
  tooLarge: ({ width, height }: { readonly width: number; readonly height: number }): string =>
    `has ${width} × ${height} pixels, more than ${PICTURE_PIXELS_MAX}; make it smaller`,
})
