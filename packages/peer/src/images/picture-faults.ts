import { foreignFile, PICTURE_PIXELS_MAX } from '@layerswarm/model'
import { OTHER_PICTURE_BYTES } from './limits.ts'
import { headerOf, isCutOff } from './picture-header.ts'

/** What is said of a picture that cannot be read, after its name, in Node and in a browser alike. */
export const PICTURE_FAULTS = Object.freeze({
  empty: 'is empty',
  cutOff: 'is cut off: its end is missing; copy or download it again',
  damaged: 'is damaged',
  unknown: 'is no picture that can be read: PNG, JPEG, WebP, GIF or AVIF',
  /** @param is what the file is instead, as words that follow "it is". */
  foreign: (is: string): string => `is ${is}`,
  /** @param format as it is called, in any case. */
  other: (format: string): string =>
    `is ${format.toUpperCase()}, which cannot be read here; save it as PNG or JPEG`,
  tooLarge: ({ width, height }: { readonly width: number; readonly height: number }): string =>
    `has ${width} × ${height} pixels, more than ${PICTURE_PIXELS_MAX}; make it smaller`,
})

/** How files begin that are pictures of kinds which are not read, by what the kind is called. */
const OTHERS: readonly (readonly [begins: string, kind: string])[] = [
  ['BM', 'BMP'],
  ['II*\0', 'TIFF'],
  ['MM\0*', 'TIFF'],
  ['\0\0\x01\0', 'ICO'],
  ['8BPS', 'PSD'],
  ['\xff\x0a', 'JPEG XL'],
  ['\0\0\0\x0cJXL ', 'JPEG XL'],
  ['\0\0\0\x0cjP  ', 'JPEG 2000'],
  ['<svg', 'SVG'],
]

/**
 * Why a picture cannot be decoded, as far as its bytes say it.
 * @param head its first bytes. @param tail its last. @param bytes how many it has in all.
 */
export function faultOf(head: Uint8Array, tail: Uint8Array, bytes: number): string | undefined {
  const header = headerOf(head)
  if (header?.format === 'heic') return PICTURE_FAULTS.other('heic')
  if (header !== undefined)
    return isCutOff(header, head, tail, bytes) ? PICTURE_FAULTS.cutOff : PICTURE_FAULTS.damaged
  const begins = String.fromCharCode(...head.subarray(0, OTHER_PICTURE_BYTES))
  const [, kind] = OTHERS.find(([words]) => begins.startsWith(words)) ?? []
  if (kind !== undefined) return PICTURE_FAULTS.other(kind)
  const is = foreignFile(head)
  return is === undefined ? undefined : PICTURE_FAULTS.foreign(is)
}
