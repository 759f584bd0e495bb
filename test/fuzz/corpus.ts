import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { sha256 } from '@layerswarm/model'
import { decode, encode, isSame } from './target.ts'

/** Inputs by the name of their decoder. */
export type Corpus = ReadonlyMap<string, readonly Uint8Array[]>

/**
 * The inputs that are kept in the repository, one list a decoder: those of past findings, and a few that
 * together reach most of it. Text where an input is text, otherwise hex.
 */
export function readCorpus(path: string): Corpus {
  const lists = JSON.parse(readFileSync(path, 'utf8')) as Record<string, readonly string[]>
  return new Map(Object.entries(lists).map(([name, inputs]) => [name, inputs.map(inputOf)]))
}

/** Writes what `readCorpus` reads. */
export function writeCorpus(path: string, corpus: Corpus): void {
  const lists = [...corpus]
    .filter(([, inputs]) => inputs.length > 0)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, inputs]) => [name, inputs.map(textOf)] as const)
  writeFileSync(path, `${JSON.stringify(Object.fromEntries(lists), null, 2)}\n`)
}

const HEX = 'hex '

/** An input as a text of JSON: itself where it is plain text, otherwise `hex` and its bytes. */
export function textOf(input: Uint8Array): string {
  const text = decode(input)
  const isPlain = /^[ -~\n]*$/.test(text) && !text.startsWith(HEX) && isSame(encode(text), input)
  return isPlain ? text : HEX + Buffer.from(input).toString('hex')
}

/** What `textOf` made a text of. */
export function inputOf(text: string): Uint8Array {
  return text.startsWith(HEX)
    ? new Uint8Array(Buffer.from(text.slice(HEX.length), 'hex'))
    : encode(text)
}

/** A folder in which the inputs of one decoder grow from run to run. */
export interface GrowingCorpus {
  read(): Uint8Array[]
  add(input: Uint8Array): void
}

/** @param folder of all decoders; undefined keeps nothing. */
export function growingCorpus(folder: string | undefined, target: string): GrowingCorpus {
  const own = folder === undefined ? undefined : join(folder, target.replaceAll('/', '.'))
  if (own !== undefined) mkdirSync(own, { recursive: true })
  return {
    read: () =>
      own === undefined
        ? []
        : readdirSync(own)
            .toSorted()
            .map((name) => new Uint8Array(readFileSync(join(own, name)))),
    add(input) {
      if (own !== undefined) writeFileSync(join(own, sha256(input).slice(0, 16)), input)
    },
  }
}
