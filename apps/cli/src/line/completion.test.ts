import { execFileSync, spawnSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { COMMANDS } from '../commands/index.ts'
import { defineCommand, NO_POSITIONALS } from './command.ts'
import { completionScript } from './completion.ts'
import { bare, choice, text } from './option.ts'

const ofBash = await completionScript('bash', COMMANDS)

/** What bash would offer for the last of these words. */
function offered(...words: string[]): string[] {
  const script = `
    set -eu
    ${ofBash}
    COMP_WORDS=("$@")
    COMP_CWORD=$(($# - 1))
    _layerswarm
    printf '%s\\n' "\${COMPREPLY[@]:-}"`
  const output = execFileSync('bash', ['-c', script, 'bash', 'layerswarm', ...words])
  return output
    .toString()
    .split('\n')
    .filter((line) => line !== '')
}

const hasShell = (shell: string): boolean => spawnSync(shell, ['--version']).status === 0

describe('completion in bash', () => {
  test('offers the commands, and those that begin like the word', () => {
    expect(offered('')).toEqual([...COMMANDS.map(({ name }) => name), 'help', 'version'])
    expect(offered('si')).toEqual(['signaling', 'simulate'])
    expect(offered('help', 'pee')).toEqual(['peer'])
  })

  test.each(COMMANDS.map((command) => [command.name, command] as const))(
    'offers every flag of %s',
    (name, { options }) => {
      const flags = [...Object.keys(options), 'json', 'help'].map((flag) => `--${flag}`)
      expect(offered(name, '--')).toEqual(flags)
    },
  )

  test('offers the words that a flag takes, behind a space or an equals sign', () => {
    expect(offered('up', '--peers', '2', '--engine', 'ort')).toEqual(['ort-node', 'ort-wasm'])
    // bash hands `--engine=ort` over as three words.
    expect(offered('up', '--engine', '=', 'ort')).toEqual(['ort-node', 'ort-wasm'])
    expect(offered('up', '--engine', '=')).toContain('reference')
    expect(offered('completion', '')).toEqual(['bash', 'zsh', 'fish'])
    expect(offered('bench', 'm')).toEqual(['memory'])
    expect(offered('simulate', 'c')).toEqual(['calm', 'churn', 'compare'])
  })

  test('leaves files to bash, and offers nothing for what is not known', () => {
    expect(offered('evaluate', '')).toEqual([])
    expect(offered('signaling', '--data', 'x')).toEqual([])
    expect(offered('nothing', '--')).toEqual([])
  })

  test('runs nothing of what stands on the line', () => {
    expect(offered('up', '$(echo up)', '`kill $$`', '--engi')).toEqual(['--engine'])
  })
})

/** With everything that a shell could read as its own. */
const nasty = defineCommand({
  name: 'nasty',
  summary: `isn't "so" [easy]: $HOME \\`,
  begins: 'beginning',
  usage: [''],
  positionals: NO_POSITIONALS,
  options: {
    odd: bare(`it's [odd]: $(kill $$) \\ \`x\``),
    kind: choice(['tea', 'coffee'], 'what: which', 'tea'),
    file: text('FILE', "where it's"),
  },
  examples: ['nasty'],
  run: () => Promise.resolve(),
})

describe('completion in other shells', () => {
  test('zsh describes flags and their words, its own signs escaped', async () => {
    const script = await completionScript('zsh', [nasty])
    expect(script).toContain(String.raw`'--odd[it'\''s \[odd\]\: $(kill $$) \\ `)
    expect(script).toContain(String.raw`'--kind=[what\: which (tea)]:value:(tea coffee)'`)
    expect(script).toContain(String.raw`'--file=[where it'\''s]:value:_files'`)
  })

  test('fish describes flags and their words, its own signs escaped', async () => {
    const script = await completionScript('fish', [nasty])
    expect(script).toContain(String.raw`-l odd -d 'it\'s [odd]: $(kill $$) \\ `)
    expect(script).toContain(`-l kind -x -a 'tea coffee' -d 'what: which (tea)'`)
    expect(script).toContain(String.raw`-l file -r -F -d 'where it\'s'`)
  })

  test.each(['bash', 'zsh', 'fish'] as const)('%s can read its script', async (shell) => {
    if (!hasShell(shell)) return
    for (const commands of [COMMANDS, [nasty]]) {
      const read = spawnSync(shell, ['-n', '-c', await completionScript(shell, commands)])
      expect([read.status, read.stderr.toString()]).toEqual([0, ''])
    }
  })

  test.skipIf(!hasShell('fish'))('fish offers what begins like the word', async () => {
    const asked = `${await completionScript('fish', COMMANDS)}\ncomplete -C 'layerswarm up --engine ort'\n`
    const { stdout } = spawnSync('fish', ['--no-config', '-c', asked])
    const words = stdout
      .toString()
      .trim()
      .split('\n')
      .map((line) => line.split('\t')[0])
    expect(words).toEqual(['ort-node', 'ort-wasm'])
  })
})
