import type { Options, ValuesOf } from './option.ts'
import type { Curve } from './screen.ts'
import type { Table } from './table.ts'

/** Anything that JSON.stringify writes. */
export type Document = Readonly<Record<string, unknown>>

/** What a running command is given. */
export interface CommandContext<O extends Options = Options> {
  /** The flags, read and checked. */
  readonly values: ValuesOf<O>
  /** What stood beside the flags; as many as the command takes. */
  readonly positionals: readonly string[]
  /** The result is asked for as one JSON document. */
  readonly json: boolean
  /** Every command that there is, this one among them. */
  readonly commands: readonly Command[]
  /** Aborted by SIGINT and SIGTERM. */
  readonly signal: AbortSignal
  /** A line of the result for people, on stdout; silent with --json. */
  print(line: string): void
  /** The same for a table, and for a report in Markdown. */
  table(table: Table): void
  markdown(text: string): void
  /** A curve, where a person sees it: on a terminal. */
  plot(curve: Curve): void
  /** The same for what another program reads, on a terminal too. */
  verbatim(text: string): void
  /** A line that stays, on stderr. */
  log(line: string): void
  /** What it does from now on, as "joining the swarm"; an empty text when nobody waits for it any more. */
  doing(text: string): void
  /** How far that is, as "3 of 20 samples"; as often as it likes. */
  progress(text: string): void
  /** The result for programs: printed on stdout with --json, once, when the command says so. */
  emit(document: Document): void
}

/** A command is data and one function. */
export interface Command<O extends Options = Options> {
  readonly name: string
  /** One line, lower case, without a full stop. */
  readonly summary: string
  /** What it does at first, for whoever waits at a terminal: "joining the swarm". */
  readonly begins: string
  /** What follows `layerswarm NAME`, one line per form. */
  readonly usage: readonly string[]
  /** How many arguments stand beside the flags. */
  readonly positionals: {
    readonly min: number
    readonly max: number
    readonly placeholder: string
    /** The words that they are taken from; none for files and the like. Asked where finding out loads much. */
    readonly choices?: readonly string[] | (() => Promise<readonly string[]>)
  }
  readonly options: O
  /** After ctrl-c it ends by itself soon, and must not be cut off: it writes what it did. */
  readonly lingers?: true
  readonly examples: readonly string[]
  /** Ends when the command is done. @throws an error with a `fault`, which becomes one line and the exit code. */
  run(context: CommandContext<O>): Promise<void>
}

/** For commands that take flags only. */
export const NO_POSITIONALS = { min: 0, max: 0, placeholder: '' } as const

/** Keeps the types of the options for `run`, and forgets them for the table of commands. */
export function defineCommand<O extends Options>(command: Command<O>): Command {
  return command as unknown as Command
}
