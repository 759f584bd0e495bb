import type { Command, Document } from './command.ts'
import type { Options } from './option.ts'
import { COMMON_OPTIONS } from './parse-line.ts'

/** What `layerswarm` alone prints. */
export function overview(commands: readonly Command[]): string {
  const width = Math.max(...commands.map(({ name }) => name.length))
  return [
    'layerswarm: browser tabs and Node processes run one vision transformer together',
    '',
    'usage',
    '  layerswarm COMMAND [flags]',
    '',
    'commands',
    ...commands.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`),
    '',
    'Start with `layerswarm up`. `layerswarm COMMAND --help` explains one command.',
  ].join('\n')
}

/** What `layerswarm COMMAND --help` prints. */
export function commandHelp(command: Command): string {
  const options: Options = { ...command.options, ...COMMON_OPTIONS }
  const flags = Object.entries(options).map(([name, { placeholder, help, repeatable }]) => ({
    flag: `--${name}${placeholder === undefined ? '' : ` ${placeholder}`}`,
    help: repeatable ? `${help}; may be given several times` : help,
  }))
  // A long list of choices gets a line of its own.
  const width = Math.max(...flags.map(({ flag }) => (flag.length <= 28 ? flag.length : 0)))
  return [
    `layerswarm ${command.name}: ${command.summary}`,
    '',
    'usage',
    ...command.usage.map((line) => `  layerswarm ${command.name} ${line}`.trimEnd()),
    '',
    'flags',
    ...flags.map(({ flag, help }) =>
      flag.length <= width
        ? `  ${flag.padEnd(width)}  ${help}`
        : `  ${flag}\n  ${' '.repeat(width)}  ${help}`,
    ),
    '',
    'examples',
    ...command.examples.map((line) => `  layerswarm ${line}`),
  ].join('\n')
}

/** The same for programs. */
export function helpDocument(commands: readonly Command[]): Document {
  return {
    commands: commands.map(({ name, summary, usage, options, examples }) => ({
      name,
      summary,
      usage,
      flags: Object.keys({ ...options, ...COMMON_OPTIONS }),
      examples,
    })),
  }
}
