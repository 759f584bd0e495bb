import { PICTURE_END_BYTES } from './limits.ts'

/** What the first bytes of a file say of the picture in it. */
export interface PictureHeader {
  readonly format: 'png' | 'jpeg' | 'webp' | 'gif' | 'avif' | 'heic'
  /**
   * As it is stored, which for a photo that was taken with a turned camera is not as it is seen;
   * undefined where the size stands elsewhere.
   */
  readonly size: { readonly width: number; readonly height: number } | undefined
}

/** What files of each format begin with; the numbers are from the specifications that are named below. */
const PNG = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]

/**
 * Reads which format a file has and how large its picture is, without decoding it: a few bytes may say
 * that they are a billion pixels. @param head the first bytes, a megabyte at most.
 * @returns undefined for what is none of the formats.
 */
export function headerOf(head: Uint8Array): PictureHeader | undefined {
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength)
  const text = (from: number, length: number): string =>
    String.fromCharCode(...head.subarray(from, from + length))
  // RFC 2083: the first chunk, IHDR, begins with width and height.
  if (PNG.every((byte, at) => head[at] === byte)) {
    const size = head.length < 24 ? undefined : sized(view.getUint32(16), view.getUint32(20))
    return { format: 'png', size }
  }
  if (head[0] === 0xff && head[1] === 0xd8) return { format: 'jpeg', size: jpegSize(view) }
  if (text(0, 4) === 'RIFF' && text(8, 4) === 'WEBP') {
    return { format: 'webp', size: webpSize(view, text(12, 4)) }
  }
  if (/^GIF8[79]a$/.test(text(0, 6))) {
    const size =
      head.length < 10 ? undefined : sized(view.getUint16(6, true), view.getUint16(8, true))
    return { format: 'gif', size }
  }
  // ISO/IEC 23008-12: the brand of the file type box.
  if (text(4, 4) !== 'ftyp') return undefined
  if (/^(avif|avis)$/.test(text(8, 4))) return { format: 'avif', size: undefined }
  return /^(hei[cxms]|hev[cxms]|mif1|msf1)$/.test(text(8, 4))
    ? { format: 'heic', size: undefined }
    : undefined
}

/**
 * Whether the end of a file is missing. @param tail its last bytes.
 * @param bytes how many it has in all.
 */
export function isCutOff(
  { format }: PictureHeader,
  head: Uint8Array,
  tail: Uint8Array,
  bytes: number,
): boolean {
  const end = tail.subarray(-PICTURE_END_BYTES)
  switch (format) {
    case 'png':
      return !contains(end, [0x49, 0x45, 0x4e, 0x44])
    case 'jpeg':
      // What is compressed has no marker in it, so that only the end has one.
      return !contains(end, [0xff, 0xd9])
    case 'webp':
      return (
        head.length < 8 || new DataView(head.buffer, head.byteOffset).getUint32(4, true) + 8 > bytes
      )
    default:
      return false
  }
}

function contains(bytes: Uint8Array, wanted: readonly number[]): boolean {
  return bytes.some((_, from) => wanted.every((byte, at) => bytes[from + at] === byte))
}

function sized(width: number, height: number): PictureHeader['size'] {
  return width > 0 && height > 0 ? { width, height } : undefined
}

/** ITU-T T.81: segments up to the first start of frame. */
function jpegSize(view: DataView): PictureHeader['size'] {
  let at = 2
  while (at + 9 <= view.byteLength) {
    if (view.getUint8(at) !== 0xff) return undefined
    const marker = view.getUint8(at + 1)
    // Fill bytes, and markers without a length.
    if (marker === 0xff) {
      at += 1
      continue
    }
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)
    if (isFrame) return sized(view.getUint16(at + 7), view.getUint16(at + 5))
    at += 2 + view.getUint16(at + 2)
  }
  return undefined
}

/** RFC 9649: a lossy, a lossless or an extended file. */
function webpSize(view: DataView, kind: string): PictureHeader['size'] {
  if (view.byteLength < 30) return undefined
  const three = (at: number): number => view.getUint16(at, true) + (view.getUint8(at + 2) << 16)
  switch (kind) {
    case 'VP8 ':
      return sized(view.getUint16(26, true) & 0x3fff, view.getUint16(28, true) & 0x3fff)
    case 'VP8L': {
      const bits = view.getUint32(21, true)
      return sized((bits & 0x3fff) + 1, ((bits >>> 14) & 0x3fff) + 1)
    }
    case 'VP8X':
      return sized(three(24) + 1, three(27) + 1)
    default:
      return undefined
  }
}
