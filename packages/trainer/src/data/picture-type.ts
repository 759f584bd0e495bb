import { open } from 'node:fs/promises'
import { join } from 'node:path'

/** Files that are tried; whether they can be read is for the decoder to say. */
const PICTURE = /\.(a?png|jp(e?g|e)|p?jpeg|pjp|jfif|jif|webp|avifs?|gif)$/i
/** Pictures that no decoder here reads. */
const OTHER_PICTURE = /\.(heic|heif|tiff?|bmp|svg|jp2|jxl|ico|psd|tga|p[bgp]m|dng|cr2|nef|arw)$/i
/** What people write beside pictures: not worth a look inside. */
const TEXT = /\.(txt|md|csv|tsv|json|xml|ya?ml|html?)$/i

/** PNG, JPEG, GIF, WebP, and AVIF or HEIC by the brand of the file type box (ISO/IEC 23008-12), as latin-1. */
const PICTURE_HEAD =
  /^(\x89PNG|\xff\xd8\xff|GIF8|RIFF.{4}WEBP|.{4}ftyp(avi[fs]|hei[cxms]|hev[cxms]|mif1|msf1))/s

/** Whether a file is a picture by its name, of a type that is read or not. */
export function isPictureName(name: string): boolean {
  return PICTURE.test(name) || OTHER_PICTURE.test(name)
}

/** The files of one folder, told apart. */
interface SortedFiles {
  /** Those that are tried, by their ending or, where it says nothing, by their first bytes. */
  readonly pictures: readonly string[]
  /** Pictures of types that are not read. */
  readonly others: readonly string[]
}

/** Tells pictures among the files of a folder; only those with an unknown ending are opened. */
export async function sortedFiles(folder: string, files: readonly string[]): Promise<SortedFiles> {
  const pictures: string[] = []
  for (const name of files) {
    const isPicture =
      PICTURE.test(name) ||
      (!OTHER_PICTURE.test(name) && !TEXT.test(name) && (await isPictureFile(join(folder, name))))
    if (isPicture) pictures.push(name)
  }
  return { pictures, others: files.filter((name) => OTHER_PICTURE.test(name)) }
}

/** By its first bytes; a file that cannot be opened may be one, and the decoder says why not. */
async function isPictureFile(path: string): Promise<boolean> {
  const file = await open(path).catch(() => undefined)
  if (file === undefined) return true
  try {
    const { buffer, bytesRead } = await file.read(new Uint8Array(12), 0, 12, 0)
    return PICTURE_HEAD.test(String.fromCharCode(...buffer.subarray(0, bytesRead)))
  } finally {
    await file.close()
  }
}
