import type { LogEntry } from '@layerswarm/signaling'
import { type AllowList, createAllowList, parseAllowList, SwarmError } from '@layerswarm/swarm'
import { CliError, describeError } from '../cli-error.ts'
import { readBounded } from '../files.ts'
import { ALLOW_LIST_BYTES_MAX } from '../limits.ts'

/** A list, and what ends that it is read again. */
export interface FollowedList {
  readonly allowList: AllowList | undefined
  close(): void
}

/**
 * Reads who is let in from a file, and again whenever this process is sent SIGHUP: a file that cannot be read then
 * leaves the list as it was.
 * @param path undefined where everybody may come.
 * @throws CliError `not-found` or `bad-file` for the first time.
 */
export async function followAllowList(
  path: string | undefined,
  log: (entry: LogEntry) => void,
): Promise<FollowedList> {
  if (path === undefined) return { allowList: undefined, close: () => undefined }
  const allowList = createAllowList(await readList(path))
  const readAgain = () => {
    const tell = (level: LogEntry['level'], text: string) =>
      log({ level, event: 'allow-list', text, data: {} })
    readList(path).then(
      (peers) => {
        allowList.replace(peers)
        tell('info', `${path} was read again: ${peers.size} ${peers.size === 1 ? 'peer' : 'peers'}`)
      },
      (error: unknown) => tell('warn', `${describeError(error).message}; the list stays as it was`),
    )
  }
  process.on('SIGHUP', readAgain)
  return { allowList, close: () => void process.off('SIGHUP', readAgain) }
}

async function readList(path: string): Promise<ReadonlySet<string>> {
  const text = new TextDecoder().decode(await readBounded(path, ALLOW_LIST_BYTES_MAX))
  try {
    return parseAllowList(text)
  } catch (error) {
    if (!(error instanceof SwarmError)) throw error
    throw new CliError({ code: 'bad-file', path }, `${path} is no allow-list: ${error.message}`)
  }
}
