/**
 * The `layerswarm` command: starts swarms and joins them, asks them, trains and publishes models,
 * simulates churn and measures. A result for people goes to stdout, or one JSON document with
 * `--json`; progress and errors go to stderr, errors in one line. On a terminal nothing is wider than
 * it is, and reports are laid out; in a pipe they stay Markdown and every line stays whole. `SIGINT` ends
 * any command within a second, with what there is and the exit code 130. `layerswarm completion bash`,
 * `zsh` or `fish` prints a script that teaches a shell to complete commands and flags:
 * `source <(layerswarm completion bash)`.
 *
 * ```sh
 * npx layerswarm --help                                                 # every command
 * npx layerswarm demo --samples 200 --peers 8 --kill 2                  # the whole story in one command
 * npx layerswarm classify --samples 20 --join http://127.0.0.1:9000     # ask a running swarm
 * npx layerswarm simulate tabs --requests 300                           # the same code in virtual time
 * ```
 *
 * A command is data and one function (`line/command.ts`), a file of its own in `commands/`; what it
 * needs is loaded when it runs.
 */
import { readFileSync } from 'node:fs'
import { describeError } from './cli-error.ts'
import { COMMANDS } from './commands/index.ts'
import { hearInterruption } from './interruption.ts'
import { UNKNOWN_TERMINAL_COLUMNS } from './limits.ts'
import { runLine } from './line/run-line.ts'
import { ERASE_LINE } from './line/screen.ts'

/** Runs one command line in this process and ends it with the line's exit code. */
export async function runMain(words: readonly string[]): Promise<void> {
  // Before anything is loaded, for this process and those that it starts (docs/privacy.md).
  process.env.ORT_DISABLE_TELEMETRY = '1'
  let cutOff = () => complain('layerswarm: interrupted')
  const interruption = hearInterruption(
    {
      on: (signal, handler) => void process.on(signal, handler),
      exit(code) {
        if (hasProgress) process.stderr.write(ERASE_LINE)
        process.exit(code)
      },
      cutOff: () => cutOff(),
    },
    COMMANDS.some(({ name, lingers }) => name === words[0] && lingers === true),
  )
  // A reader that has seen enough (`| head`) is no failure.
  process.stdout.on('error', () => process.exit(0))
  // And whoever stops reading how far it is does not stop what it is doing.
  process.stderr.on('error', () => {})
  process.on('uncaughtException', (error) => {
    noteStray(error)
    process.exit(1)
  })
  // A connection that failed where nobody waited for it must not end a service.
  process.on('unhandledRejection', noteStray)
  const code = await runLine(
    {
      commands: COMMANDS,
      version: packageVersion(),
      signal: interruption.signal,
      stdout: (text) => void process.stdout.write(text),
      stderr: (text) => {
        hasProgress = text.startsWith(ERASE_LINE) && text !== ERASE_LINE
        process.stderr.write(text)
      },
      columns: (stream) => columnsOf(process[stream]),
      whenCutOff(say) {
        cutOff = say
      },
    },
    words,
  )
  await Promise.all([flushed(process.stdout), flushed(process.stderr)])
  process.exit(interruption.exitCode(code))
}

/** Some terminals do not say how wide they are. */
function columnsOf({ isTTY, columns }: NodeJS.WriteStream): number | undefined {
  return isTTY ? columns || UNKNOWN_TERMINAL_COLUMNS : undefined
}

/** A line of progress stands on the terminal. */
let hasProgress = false

/** A line of the process itself, when the command that runs is past telling. */
function complain(line: string): void {
  process.stderr.write(`${hasProgress ? ERASE_LINE : ''}${line}\n`)
  hasProgress = false
}

/** One line instead of a stack. */
function noteStray(thrown: unknown): void {
  complain(`layerswarm: ${describeError(thrown).message}`)
}

/** Pipes are written later on some systems; the process may end only then. */
function flushed(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => stream.write('', () => resolve()))
}

function packageVersion(): string {
  const parsed: unknown = JSON.parse(
    readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
  )
  const version =
    typeof parsed === 'object' && parsed !== null && 'version' in parsed
      ? parsed.version
      : undefined
  return typeof version === 'string' ? version : 'unknown'
}
