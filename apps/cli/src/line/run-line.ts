import { CliError, describeError, usageError } from '../cli-error.ts'
import type { Command, Document } from './command.ts'
import { commandHelp, helpDocument, overview } from './help.ts'
import { nearest } from './nearest.ts'
import { parseLine } from './parse-line.ts'
import { Screen, type ScreenHost } from './screen.ts'

/** Where a command line reads and writes; the process in production, arrays in tests. */
export interface LineHost extends ScreenHost {
  readonly commands: readonly Command[]
  readonly version: string
  readonly signal: AbortSignal
  /** Takes what says that the command was interrupted, for a process that ends without waiting for it. */
  whenCutOff(say: () => void): void
}

/**
 * Runs one command line to its end.
 * @returns the exit code: 0 success, 1 failure, 2 bad usage. Never throws.
 */
export async function runLine(host: LineHost, words: readonly string[]): Promise<0 | 1 | 2> {
  let wantsJson = words.includes('--json')
  let emitted = false
  const screen = new Screen(host, () => wantsJson)
  const emit = (document: Document): void => {
    if (!wantsJson || emitted) return
    emitted = true
    screen.verbatim(JSON.stringify(document))
  }
  const unlessJson =
    <T>(show: (what: T) => void) =>
    (what: T): void => {
      if (!wantsJson) show(what)
    }
  const print = unlessJson((line: string) => screen.print(line))
  const fail = (error: unknown): void => {
    const described = describeError(error)
    screen.close()
    screen.log(`layerswarm: ${described.message}`)
    emit({ error: described })
  }
  host.whenCutOff(() => fail(INTERRUPTED))
  try {
    const [first, ...rest] = words
    const general = generalAnswer(host, first, rest)
    if (general !== undefined) {
      print(general.text)
      emit(general.document)
      return 0
    }
    const command = findCommand(host.commands, first ?? '')
    const line = parseLine(command, rest)
    wantsJson = line.json
    if (line.help) {
      print(commandHelp(command))
      emit(helpDocument([command]))
      return 0
    }
    screen.begin(command.begins)
    await command.run({
      values: line.values,
      positionals: line.positionals,
      json: line.json,
      commands: host.commands,
      signal: host.signal,
      print,
      table: unlessJson((table) => screen.table(table)),
      plot: unlessJson((curve) => screen.plot(curve)),
      verbatim: unlessJson((text) => screen.verbatim(text)),
      markdown: unlessJson((text) => screen.markdown(text)),
      log: (text) => screen.log(text),
      doing: (text) => screen.doing(text),
      progress: (text) => screen.progress(text),
      emit,
    })
    return 0
  } catch (error) {
    fail(hasInterrupted(host.signal, error) ? INTERRUPTED : error)
    return error instanceof CliError && error.fault.code === 'bad-usage' ? 2 : 1
  } finally {
    screen.close()
  }
}

const INTERRUPTED = new CliError({ code: 'interrupted' }, 'interrupted')

/** Whatever waited for the signal throws its reason, which tells people nothing. */
function hasInterrupted({ aborted, reason }: AbortSignal, error: unknown): boolean {
  return aborted && (error === reason || (error instanceof Error && error.name === 'AbortError'))
}

/** What is asked of the program itself: the overview, the version. */
function generalAnswer(
  host: LineHost,
  first: string | undefined,
  rest: readonly string[],
): { text: string; document: Document } | undefined {
  const wantsHelp = first === undefined || first === 'help' || first === '--help' || first === '-h'
  if (wantsHelp || (first === '--json' && rest.length === 0)) {
    const named = rest.find((word) => !word.startsWith('-'))
    if (named === undefined) {
      return { text: overview(host.commands), document: helpDocument(host.commands) }
    }
    const command = findCommand(host.commands, named)
    return { text: commandHelp(command), document: helpDocument([command]) }
  }
  if (first === '--version' || first === 'version') {
    return { text: host.version, document: { version: host.version } }
  }
  return undefined
}

function findCommand(commands: readonly Command[], word: string): Command {
  const known = commands.find(({ name }) => name === word)
  if (known !== undefined) return known
  if (word.startsWith('-'))
    throw usageError(`a command comes first, then its flags; "${word}" is a flag`)
  const near = nearest(
    word,
    commands.map(({ name }) => name),
  )
  throw usageError(`there is no command "${word}"; did you mean "${near}"?`)
}
