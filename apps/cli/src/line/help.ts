import { FLAG_COLUMNS_MAX, HELP_COLUMNS_MAX } from '../limits.ts'
import type { Command, Document } from './command.ts'
import { shellLines } from './fit.ts'
import type { Options } from './option.ts'
import { COMMON_OPTIONS } from './parse-line.ts'
import { wrap, wrapBehind } from './wrap.ts'

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
    ...commands.flatMap(({ name, summary }) =>
      wrapBehind(`  ${name.padEnd(width)}  `, summary, HELP_COLUMNS_MAX),
    ),
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
  const width = Math.max(
    ...flags.map(({ flag }) => (flag.length <= FLAG_COLUMNS_MAX ? flag.length : 0)),
  )
  const column = ' '.repeat(width + 4)
  return [
    ...wrap(`layerswarm ${command.name}: ${command.summary}`, HELP_COLUMNS_MAX),
    '',
    'usage',
    ...command.usage.flatMap((line) =>
      line === ''
        ? [`  layerswarm ${command.name}`]
        : usageLines(`  layerswarm ${command.name} `, line),
    ),
    '',
    'flags',
    ...flags.flatMap(({ flag, help }) =>
      flag.length <= width
        ? wrapBehind(`  ${flag.padEnd(width)}  `, help, HELP_COLUMNS_MAX)
        : [`  ${flag}`, ...wrapBehind(column, help, HELP_COLUMNS_MAX)],
    ),
    '',
    'examples',
    // A backslash lets the shell go on in the next line.
    ...command.examples.flatMap((line) => shellLines(`layerswarm ${line}`, '  ', HELP_COLUMNS_MAX)),
  ].join('\n')
}

/** A flag and its value in brackets stay together. */
function usageLines(first: string, line: string): string[] {
  const together = line.replace(/\[[^\]]*\]/g, (group) => group.replaceAll(' ', '\u00a0'))
  return wrapBehind(first, together, HELP_COLUMNS_MAX).map((each) => each.replaceAll('\u00a0', ' '))
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
