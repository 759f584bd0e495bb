import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { type LearnedData, otherData } from './data/learned-data.ts'
import { TrainerError } from './errors.ts'
import { CHECKPOINT_HEADER_BYTES_MAX, RESUME_WORDS_MAX } from './limits.ts'

/** The file of a training that is gone on with. */
export const CHECKPOINT_FILE = 'checkpoint.safetensors'

/** What a checkpoint says besides weights and progress. */
export interface CheckpointNotes {
  /** What it learns from, untrusted; undefined in one of an older version. */
  readonly data: unknown
  /** The words of the command line that began it, but for `--out` and `--resume`; none if they are not known. */
  readonly words: readonly string[]
}

/** The command that goes on with a training in a folder. @param words as in `CheckpointNotes`. */
export function resumeCommand(words: readonly string[], folder: string): string {
  const isKnown = words.length > 0
  const command = ['layerswarm', 'train', ...(isKnown ? words : ['RECIPE'])]
  const line = [...command, '--out', folder, '--resume'].map(shellWord).join(' ')
  return isKnown
    ? line
    : `${line}, with --data, --size, --from and --teacher as they were given when it began`
}

/** The command that goes on with the training in a folder, as its checkpoint knows it. */
export async function resumeCommandIn(folder: string): Promise<string> {
  const notes = await readCheckpointNotes(join(folder, CHECKPOINT_FILE))
  return resumeCommand(notes?.words ?? [], folder)
}

/**
 * Makes sure that a training goes on with the data that it began with, if its checkpoint names them.
 * @throws TrainerError `bad-checkpoint`.
 */
export async function refuseOtherData(folder: string, data: LearnedData): Promise<void> {
  const file = join(folder, CHECKPOINT_FILE)
  const notes = await readCheckpointNotes(file)
  const reason = notes?.data === undefined ? undefined : otherData(notes.data, data)
  if (notes === undefined || reason === undefined) return
  throw new TrainerError(
    { code: 'bad-checkpoint', file },
    `checkpoint ${file}: ${reason}; ${goOn(notes.words, folder)}`,
  )
}

/** What to do where a checkpoint is of another training, after a semicolon. */
export function goOn(words: readonly string[], folder: string): string {
  return `go on with: ${resumeCommand(words, folder)}, or start in a new folder`
}

/**
 * Reads what a checkpoint of any size notes, from its header alone.
 * @returns undefined for a file that is none; `readCheckpoint` says what is wrong with it.
 */
export async function readCheckpointNotes(file: string): Promise<CheckpointNotes | undefined> {
  const handle = await open(file).catch(() => undefined)
  if (handle === undefined) return undefined
  try {
    const start = await handle.read(new Uint8Array(8), 0, 8, 0)
    const bytes = new DataView(start.buffer.buffer).getUint32(0, true)
    if (bytes > CHECKPOINT_HEADER_BYTES_MAX) return undefined
    const { buffer } = await handle.read(new Uint8Array(bytes), 0, bytes, 8)
    const { data, words } = fieldsOf(
      fieldsOf(parsed(new TextDecoder().decode(buffer))).__metadata__,
    )
    return { data: parsed(data), words: parseResumeWords(words) }
  } catch {
    return undefined // a folder of that name, or a disk that fails
  } finally {
    await handle.close()
  }
}

/** The words in the metadata of a checkpoint; none where they are not there, or not words. */
export function parseResumeWords(text: unknown): readonly string[] {
  const value = parsed(text)
  if (!Array.isArray(value) || value.length > RESUME_WORDS_MAX) return []
  const words: unknown[] = value
  return words.every((word) => typeof word === 'string') ? words : []
}

function parsed(text: unknown): unknown {
  if (typeof text !== 'string') return undefined
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function fieldsOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}

/** As it is typed into a shell. */
function shellWord(word: string): string {
  return /^[\p{L}\p{N}_@%+=:,./-]+$/u.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
}
