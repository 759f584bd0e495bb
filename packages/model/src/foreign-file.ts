import { FOREIGN_FILE_BYTES } from './limits.ts'

const GIT_LFS = 'version https://git-lfs.github.com/spec/'

/** What stands at the beginning of files that people take for others, as latin-1. */
const BEGINNINGS: readonly (readonly [begins: string, is: string])[] = [
  [
    GIT_LFS,
    'a Git LFS pointer, which only names the file: fetch the file itself with git lfs pull',
  ],
  ['PK\x03\x04', 'a zip archive; a PyTorch checkpoint is one too'],
  ['\x1f\x8b', 'packed with gzip: unpack it first'],
  ['\x89HDF', 'an HDF5 file, as Keras and TensorFlow write it'],
  ['\x93NUMPY', "an array of NumPy's own format"],
  ['GGUF', 'a GGUF file, as llama.cpp reads it'],
  ['\x80\x02', 'a pickle of Python, which could run code'],
  ['\x80\x03', 'a pickle of Python, which could run code'],
  ['\x80\x04', 'a pickle of Python, which could run code'],
  ['\x80\x05', 'a pickle of Python, which could run code'],
]

/**
 * What a file is that is not what its name says: a Git LFS pointer, a web page that a server sent
 * instead, another format. Undefined for anything else.
 * @returns words that follow "it is".
 */
export function foreignFile(file: Uint8Array): string | undefined {
  const begins = String.fromCharCode(...file.subarray(0, FOREIGN_FILE_BYTES))
  const known = BEGINNINGS.find(([words]) => begins.startsWith(words))
  if (known !== undefined) return known[1]
  const text = begins.replace(/^\xef\xbb\xbf/, '').trimStart()
  if (/^<(!doctype|html|head|body|\?xml|!--)/i.test(text)) {
    return 'a web page, not the file: the address wanted a login or was wrong; fetch it again'
  }
  return undefined
}
