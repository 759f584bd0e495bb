import type { Command } from './command.ts'
import type { Option } from './option.ts'
import { COMMON_OPTIONS } from './parse-line.ts'

/** The shells that can be taught. */
export const SHELLS = ['bash', 'zsh', 'fish'] as const

/** One of `SHELLS`. */
export type Shell = (typeof SHELLS)[number]

/** A flag as the scripts need it. */
interface Flag {
  readonly name: string
  readonly help: string
  readonly takes: 'nothing' | 'words' | 'files' | 'text'
  readonly words: readonly string[]
  readonly repeatable: boolean
}

/** A command, and the words that its arguments are taken from. */
interface KnownCommand extends Command {
  readonly values: readonly string[]
}

/** What stands behind `layerswarm` without being a command with flags. */
const GENERAL = [
  ['help', 'explain a command'],
  ['version', 'print the version'],
] as const

/**
 * A script that teaches a shell the commands, their flags and the words that flags take. It starts
 * nothing when a key is pressed, and runs nothing of what stands on the line.
 */
export async function completionScript(
  shell: Shell,
  commands: readonly Command[],
): Promise<string> {
  const known = await Promise.all(commands.map(withValues))
  switch (shell) {
    case 'bash':
      return bashScript(known)
    case 'zsh':
      return zshScript(known)
    case 'fish':
      return fishScript(known)
  }
}

async function withValues(command: Command): Promise<KnownCommand> {
  const { choices = [] } = command.positionals
  return { ...command, values: typeof choices === 'function' ? await choices() : choices }
}

function flagsOf(command: Command): Flag[] {
  const options: Readonly<Record<string, Option<unknown>>> = {
    ...command.options,
    ...COMMON_OPTIONS,
  }
  return Object.entries(options).map(([name, { kind, placeholder, help, choices, repeatable }]) => {
    const words = choices ?? []
    const isPlace = placeholder === 'FILE' || placeholder === 'DIR'
    const value = words.length > 0 ? 'words' : isPlace ? 'files' : 'text'
    const takes = kind === 'bare' ? 'nothing' : value
    return { name: `--${name}`, help, takes, words, repeatable: repeatable ?? false }
  })
}

function firstWords(commands: readonly Command[]): (readonly [string, string])[] {
  return [...commands.map(({ name, summary }) => [name, summary] as const), ...GENERAL]
}

function bashScript(commands: readonly KnownCommand[]): string {
  const names = firstWords(commands).map(([name]) => name)
  const cases = commands.flatMap((command) => {
    const flags = flagsOf(command)
    const known = flags.filter(({ takes }) => takes === 'words')
    const free = flags.filter(({ takes }) => takes === 'files' || takes === 'text')
    const { values } = command
    return [
      `    ${command.name})`,
      `      flags='${flags.map(({ name }) => name).join(' ')}'`,
      ...(values.length > 0 ? [`      words='${values.join(' ')}'`] : []),
      '      case $prev in',
      ...known.map(({ name, words }) => `        ${name}) flags= words='${words.join(' ')}' ;;`),
      // Nothing of ours: bash offers files.
      ...(free.length > 0
        ? [`        ${free.map(({ name }) => name).join('|')}) flags= words= ;;`]
        : []),
      '      esac',
      '      ;;',
    ]
  })
  return `# bash completion for layerswarm
_layerswarm() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD - 1]} words= flags=
  # bash takes --flag=value apart.
  if [[ $cur == = ]]; then
    cur=
  elif [[ $prev == = ]]; then
    prev=\${COMP_WORDS[COMP_CWORD - 2]}
  fi
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    COMPREPLY=($(compgen -W '${names.join(' ')}' -- "$cur"))
    return
  fi
  case \${COMP_WORDS[1]} in
    help)
      words='${commands.map(({ name }) => name).join(' ')}'
      ;;
${cases.join('\n')}
  esac
  [[ $cur == -* ]] && words=$flags
  [[ -n $words ]] && COMPREPLY=($(compgen -W "$words" -- "$cur"))
  return 0
}
complete -o bashdefault -o default -F _layerswarm layerswarm
`
}

function zshScript(commands: readonly KnownCommand[]): string {
  const names = firstWords(commands).map(([name, summary]) => quoted(`${name}:${summary}`))
  const cases = commands.flatMap((command) => {
    const { max, placeholder } = command.positionals
    const rest = max === 0 ? [] : [`*:${zshText(placeholder)}:${zshValues(command.values)}`]
    return [
      `    ${command.name})`,
      `      _arguments -s ${[...flagsOf(command).map(zshFlag), ...rest].map(quoted).join(' ')}`,
      '      ;;',
    ]
  })
  return `#compdef layerswarm
_layerswarm() {
  local -a names
  if ((CURRENT == 2)); then
    names=(${names.join(' ')})
    _describe command names
    return
  fi
  shift words
  ((CURRENT--))
  case $words[1] in
    help)
      _values command ${commands.map(({ name }) => name).join(' ')}
      ;;
${cases.join('\n')}
  esac
}
if [[ $funcstack[1] == _layerswarm ]]; then
  _layerswarm "$@"
else
  compdef _layerswarm layerswarm
fi
`
}

function zshFlag({ name, help, takes, words, repeatable }: Flag): string {
  const value = takes === 'words' ? zshValues(words) : takes === 'files' ? '_files' : ' '
  const behind = takes === 'nothing' ? '' : `:value:${value}`
  return `${repeatable ? '*' : ''}${name}${takes === 'nothing' ? '' : '='}[${zshText(help)}]${behind}`
}

function zshValues(words: readonly string[]): string {
  return words.length > 0 ? `(${words.join(' ')})` : '_files'
}

/** What _arguments would read as its own. */
function zshText(text: string): string {
  return text.replace(/[\\[\]:]/g, '\\$&')
}

function fishScript(commands: readonly KnownCommand[]): string {
  const names = firstWords(commands).map(
    ([name, summary]) =>
      `complete -c layerswarm -n __fish_use_subcommand -f -a ${name} -d ${fishQuoted(summary)}`,
  )
  const flags = commands.flatMap((command) => {
    const when = `-n '__fish_seen_subcommand_from ${command.name}'`
    const { values: choices } = command
    const isBare = command.positionals.max === 0
    const values = choices.length > 0 ? [`-f -a '${choices.join(' ')}'`] : isBare ? ['-f'] : []
    return [
      ...values.map((value) => `complete -c layerswarm ${when} ${value}`),
      ...flagsOf(command).map(
        (flag) => `complete -c layerswarm ${when} ${fishFlag(flag)} -d ${fishQuoted(flag.help)}`,
      ),
    ]
  })
  const all = commands.map(({ name }) => name).join(' ')
  return [
    '# fish completion for layerswarm',
    ...names,
    `complete -c layerswarm -n '__fish_seen_subcommand_from help' -f -a '${all}'`,
    ...flags,
    '',
  ].join('\n')
}

function fishFlag({ name, takes, words }: Flag): string {
  const long = `-l ${name.slice(2)}`
  if (takes === 'nothing') return long
  if (takes === 'files') return `${long} -r -F`
  return takes === 'words' ? `${long} -x -a '${words.join(' ')}'` : `${long} -x`
}

/** One word for bash and zsh. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}

/** One word for fish, which knows two escapes inside quotes. */
function fishQuoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}
