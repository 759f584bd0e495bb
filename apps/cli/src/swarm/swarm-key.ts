import { randomBytes } from 'node:crypto'
import { rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { text as textOf } from 'node:stream/consumers'
import type { Ready } from '@layerswarm/signaling'
import { linkWithKey, parseSwarmKey, type SwarmKey } from '@layerswarm/swarm'
import { cannotWrite, makeFolder } from '@layerswarm/trainer'
import { CliError } from '../cli-error.ts'
import { exists, readBounded } from '../files.ts'
import { KEY_FILE_BYTES_MAX } from '../limits.ts'
import type { Hosting } from '../line/hosting-options.ts'

/** Where a key comes from that was started with: not from the command line, which others of a machine can read. */
const STANDARD_INPUT = '-'

/** A new key, beyond guessing. */
export function makeSwarmKey(): SwarmKey {
  return randomBytes(32).toString('base64url') as SwarmKey
}

/**
 * Reads the key of a private swarm from a file, or from standard input for `-`; undefined for no file.
 * @throws CliError `not-found` or `bad-file`.
 */
export async function readSwarmKey(path: string | undefined): Promise<SwarmKey | undefined> {
  if (path === undefined) return undefined
  const text =
    path === STANDARD_INPUT
      ? await textOf(process.stdin)
      : new TextDecoder().decode(await readBounded(path, KEY_FILE_BYTES_MAX))
  const key = parseSwarmKey(text.trim())
  if (key !== undefined) return key
  const line = `${path} holds no key of a swarm: one line of 43 letters, digits, - or _, as \`layerswarm up --swarm-key ${path}\` makes it`
  throw new CliError({ code: 'bad-file', path }, line)
}

/**
 * The key that a host wants its swarm to have: of a file, which is made where there is none, or a new one for
 * this run; undefined for a swarm that is open to all.
 * @throws CliError `bad-file`; TrainerError `cannot-write`.
 */
export async function swarmKeyOf({ isPrivate, swarmKeyFile: path }: Hosting) {
  if (path === undefined) return isPrivate ? makeSwarmKey() : undefined
  if (path === STANDARD_INPUT || (await exists(path))) return readSwarmKey(path)
  const key = makeSwarmKey()
  await makeFolder(dirname(path))
  // `wx`: never over a key that someone else has just made.
  await writeFile(path, `${key}\n`, { mode: 0o600, flag: 'wx' }).catch(async (error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') throw error
    await rm(path, { force: true })
    throw cannotWrite(path, error)
  })
  return key
}

/** What is printed of a server that runs: with the key in it, where it has one. */
export function linksOf(ready: Ready, key: SwarmKey | undefined): Ready {
  if (key === undefined) return ready
  const link = (url: string) => linkWithKey(url, key)
  return {
    ...ready,
    url: link(ready.url),
    innerUrl: link(ready.innerUrl),
    publicUrls: ready.publicUrls.map(link),
  }
}

/** What is to be said of a private swarm. */
export const PRIVATE_LINE =
  'this swarm is private: whoever has the link with its key is a member, and nobody else'
