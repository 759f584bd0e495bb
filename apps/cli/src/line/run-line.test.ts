import { describe, expect, test } from 'vitest'
import { CliError } from '../cli-error.ts'
import { COMMANDS } from '../commands/index.ts'
import { type Command, type CommandContext, defineCommand } from './command.ts'
import { bare, choice, count, layerList, requiredText, swarmUrls, texts } from './option.ts'
import { runLine } from './run-line.ts'

interface Run {
  code: number
  stdout: string
  stderr: string
}

async function run(commands: readonly Command[], ...words: string[]): Promise<Run> {
  const result: Run = { code: -1, stdout: '', stderr: '' }
  result.code = await runLine(
    {
      commands,
      version: '1.2.3',
      signal: new AbortController().signal,
      whenCutOff: () => {},
      columns: () => undefined,
      stdout: (text) => {
        result.stdout += text
      },
      stderr: (text) => {
        result.stderr += text
      },
    },
    words,
  )
  return result
}

/** A command that says what it was given. */
const brew = defineCommand({
  name: 'brew',
  summary: 'make a hot drink',
  begins: 'beginning',
  usage: ['CUP --into POT'],
  positionals: { min: 1, max: 1, placeholder: 'one CUP' },
  options: {
    into: requiredText('POT', 'where it goes'),
    spoons: count('how many', { low: 1, high: 9, otherwise: 2 }),
    kind: choice(['tea', 'coffee'], 'what', 'tea'),
    order: layerList('layers'),
    add: texts('THING', 'milk or so'),
    iced: bare('cold'),
  },
  examples: ['brew mug --into pot'],
  async run({ values, positionals, print, emit }) {
    print(`a ${positionals[0]} of ${values.kind}`)
    emit({ ...values, cup: positionals[0] })
    emit({ second: true })
  },
})

function failing(name: string, thrown: unknown): Command {
  return defineCommand({
    name,
    summary: 'fail',
    begins: 'beginning',
    usage: [''],
    positionals: { min: 0, max: 0, placeholder: '' },
    options: {},
    examples: [name],
    run: (_context: CommandContext) => Promise.reject(thrown),
  })
}

/** What is wrong, the words, what the line says. */
const BAD_USAGE: readonly [string, string[], string][] = [
  ['an unknown command', ['bru'], 'there is no command "bru"; did you mean "brew"?'],
  ['a flag before the command', ['--into', 'pot'], 'a command comes first'],
  [
    'an unknown flag',
    ['brew', 'mug', '--spoon', '1'],
    'brew has no flag --spoon; did you mean --spoons?',
  ],
  [
    'an unknown choice',
    ['brew', 'mug', '--into', 'p', '--kind', 'cofee'],
    '"cofee" is not known; did you mean "coffee"? (tea, coffee)',
  ],
  [
    'a number out of range',
    ['brew', 'mug', '--into', 'p', '--spoons', '12'],
    'whole number from 1 to 9, not "12"; the nearest is 9',
  ],
  [
    'a number that is none',
    ['brew', 'mug', '--into', 'p', '--spoons', '1.5'],
    'whole number from 1 to 9, not "1.5"',
  ],
  ['a missing flag', ['brew', 'mug'], '--into POT is missing'],
  ['a flag without its value', ['brew', 'mug', '--into'], '--into needs a value'],
  ['a flag in place of a value', ['brew', 'mug', '--into', '--iced'], '--into needs a value'],
  [
    'a value for a bare flag',
    ['brew', 'mug', '--into', 'p', '--iced=yes'],
    '--iced takes no value',
  ],
  [
    'a flag that is given twice',
    ['brew', 'mug', '--into', 'a', '--into', 'b'],
    '--into is given twice',
  ],
  ['a missing argument', ['brew', '--into', 'p'], 'brew needs one CUP'],
  [
    'an argument too much',
    ['brew', 'a', 'b', '--into', 'p'],
    'brew takes one CUP only; "b" is too much',
  ],
  [
    'a layer that is no number',
    ['brew', 'a', '--into', 'p', '--order', '1,x'],
    '--order takes layer numbers as 2,0,1 or 0-3, not "1,x"',
  ],
  [
    'a range of layers that runs backwards',
    ['brew', 'a', '--into', 'p', '--order', '3-0'],
    '--order takes ranges that ascend, as 0-3, not 3-0',
  ],
  [
    'a layer that no model has',
    ['brew', 'a', '--into', 'p', '--order', '0,4-5151'],
    '--order names layer 5151; a model has at most 64, from 0 to 63',
  ],
  [
    'a layer named twice',
    ['brew', 'a', '--into', 'p', '--order', '1,0,1'],
    '--order names layer 1 twice',
  ],
  [
    'the name of an inherited property',
    ['brew', 'a', '--constructor'],
    'brew has no flag --constructor',
  ],
]

describe('a command line', () => {
  test('hands typed values to its command', async () => {
    const line =
      'mug --into pot --spoons 3 --kind=coffee --order 6,0-2 --add a --add b --iced --json'
    const { code, stdout } = await run([brew], 'brew', ...line.split(' '))
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({
      into: 'pot',
      spoons: 3,
      kind: 'coffee',
      order: [6, 0, 1, 2],
      add: ['a', 'b'],
      iced: true,
      cup: 'mug',
    })
  })

  test('prints lines without --json and exactly one document with it', async () => {
    const plain = await run([brew], 'brew', 'mug', '--into', 'pot')
    expect(plain).toEqual({ code: 0, stdout: 'a mug of tea\n', stderr: '' })
    const json = await run([brew], 'brew', 'mug', '--into', 'pot', '--json')
    expect(json.stdout.trim().split('\n')).toHaveLength(1)
    expect(json.stdout).not.toContain('second')
  })

  test.each(BAD_USAGE)('%s is bad usage in one line', async (_what, words, message) => {
    const { code, stdout, stderr } = await run([brew], ...words)
    expect(code).toBe(2)
    expect(stdout).toBe('')
    expect(stderr).toContain(message)
    expect(stderr.trim().split('\n')).toHaveLength(1)
  })

  test('says with --json what is wrong as a document', async () => {
    const { code, stdout, stderr } = await run([brew], 'brew', '--json')
    expect(code).toBe(2)
    expect(JSON.parse(stdout)).toEqual({
      error: { code: 'bad-usage', message: '--into POT is missing' },
    })
    expect(stderr).toBe('layerswarm: --into POT is missing\n')
  })

  test('an empty order is no layers, an absent one is not given', async () => {
    const empty = await run([brew], 'brew', 'm', '--into', 'p', '--order', '', '--json')
    expect(JSON.parse(empty.stdout)).toMatchObject({ order: [] })
    const absent = await run([brew], 'brew', 'm', '--into', 'p', '--json')
    expect(JSON.parse(absent.stdout)).not.toHaveProperty('order')
  })
})

describe('a failure', () => {
  test.each([
    [
      'of the command line',
      new CliError({ code: 'not-found', path: 'x' }, 'x does not exist'),
      'not-found',
      'x does not exist',
    ],
    [
      'of a package',
      Object.assign(new Error('no\nlayers'), { fault: { code: 'no-providers' } }),
      'no-providers',
      'no layers',
    ],
    [
      'of the system',
      Object.assign(new Error('ENOENT: no such file'), { code: 'ENOENT', path: '/x' }),
      'unexpected',
      '/x does not exist',
    ],
    ['that is no error', 'boom', 'unexpected', 'boom'],
    ['without a message', new TypeError(), 'unexpected', 'TypeError'],
  ])('%s is one line, one document and exit code 1', async (_what, thrown, code, message) => {
    const result = await run([failing('fall', thrown)], 'fall', '--json')
    expect(result.code).toBe(1)
    expect(result.stderr).toBe(`layerswarm: ${message}\n`)
    expect(JSON.parse(result.stdout)).toEqual({ error: { code, message } })
  })
})

describe('help', () => {
  test.each([[[]], [['help']], [['--help']], [['-h']]])('%j lists the commands', async (words) => {
    const { code, stdout } = await run(COMMANDS, ...words)
    expect(code).toBe(0)
    for (const { name, summary } of COMMANDS) {
      expect(stdout).toMatch(new RegExp(`^  ${name} `, 'm'))
      expect(stdout.replaceAll(/\s+/g, ' ')).toContain(summary)
    }
  })

  test.each([['help'], ...COMMANDS.map(({ name }) => [name, '--help'])])(
    '%s %s fits 80 columns',
    async (...words) => {
      const { stdout } = await run(COMMANDS, ...words)
      expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([])
      // Nothing that a shell would not take back: a broken example goes on behind a backslash.
      expect(stdout).not.toMatch(/\\ $/m)
    },
  )

  test.each(COMMANDS.map((command) => [command.name, command] as const))(
    'of %s names every flag and gives an example that parses',
    async (name, command) => {
      const { code, stdout } = await run(COMMANDS, name, '--help')
      expect(code).toBe(0)
      for (const flag of Object.keys(command.options)) expect(stdout).toContain(`--${flag}`)
      expect(command.examples.length).toBeGreaterThan(0)
      for (const example of command.examples) {
        const words = example.split(' ')
        expect(words[0]).toBe(name)
        const parsed = { ...command, run: () => Promise.resolve() }
        expect(await run([parsed], ...words)).toEqual({ code: 0, stdout: '', stderr: '' })
      }
    },
  )

  test('is printed even when the rest of the line is incomplete', async () => {
    expect((await run([brew], 'brew', '--help')).code).toBe(0)
    expect((await run([brew], 'help', 'brew')).stdout).toContain(
      'layerswarm brew: make a hot drink',
    )
    const json = await run([brew], 'brew', '--help', '--json')
    expect(JSON.parse(json.stdout)).toMatchObject({ commands: [{ name: 'brew' }] })
  })

  test('--version prints the version', async () => {
    expect((await run([brew], '--version')).stdout).toBe('1.2.3\n')
  })
})

describe('the address of a swarm', () => {
  const visit = defineCommand({
    ...(failing('visit', undefined) as Command<Record<never, never>>),
    options: { join: swarmUrls() },
    run: async ({ values, emit }) => emit({ hrefs: values.join.map(({ href }) => href) }),
  })

  test('is http or https', async () => {
    const good = await run([visit], 'visit', '--join', 'http://127.0.0.1:9000', '--json')
    expect(JSON.parse(good.stdout)).toEqual({ hrefs: ['http://127.0.0.1:9000/'] })
    for (const bad of ['127.0.0.1:9000', 'ftp://x', '']) {
      const { code, stderr } = await run([visit], 'visit', `--join=${bad}`)
      expect(code).toBe(2)
      expect(stderr).toContain(`--join takes an address as http://127.0.0.1:9000, not "${bad}"`)
    }
  })

  test('is that of each of its servers, four at most and each once', async () => {
    const naming = (...urls: string[]) =>
      run([visit], 'visit', ...urls.flatMap((url) => ['--join', url]), '--json')
    const twice = await naming('http://a.example', 'http://b.example/', 'http://a.example/')
    expect(JSON.parse(twice.stdout)).toEqual({ hrefs: ['http://a.example/', 'http://b.example/'] })
    const { code, stderr } = await naming(...[1, 2, 3, 4, 5].map((at) => `http://${at}.example`))
    expect(code).toBe(2)
    expect(stderr).toContain('--join names 5 servers; 4 at most')
  })
})

describe('ctrl-c', () => {
  const interruption = new AbortController()
  const wait = defineCommand({
    name: 'wait',
    summary: 'wait for ever',
    begins: 'beginning',
    usage: [''],
    positionals: { min: 0, max: 0, placeholder: '' },
    options: {},
    examples: ['wait'],
    async run({ signal }) {
      interruption.abort()
      signal.throwIfAborted()
    },
  })

  async function interrupted(command: Command, act: (cutOff: () => void) => void) {
    const stdout: string[] = []
    const stderr: string[] = []
    const host = {
      commands: [command],
      version: '1.2.3',
      signal: interruption.signal,
      whenCutOff: act,
      columns: () => undefined,
      stdout: (text: string) => void stdout.push(text),
      stderr: (text: string) => void stderr.push(text),
    }
    const code = await runLine(host, ['wait', '--json'])
    return { code, stdout: stdout.join(''), stderr: stderr.join('') }
  }
  const error = { code: 'interrupted', message: 'interrupted' }
  const line = 'layerswarm: interrupted\n'
  const document = `${JSON.stringify({ error })}\n`

  test('that has ended a command is what it says, and nothing about signals', async () => {
    const ended = await interrupted(wait, () => {})
    expect(ended).toEqual({ code: 1, stdout: document, stderr: line })
  })

  test('is the document too of a command that is cut off', async () => {
    let cutOff = () => {}
    const endless = { ...wait, run: async () => cutOff() }
    const ended = await interrupted(endless, (say) => {
      cutOff = say
    })
    expect(ended).toMatchObject({ stdout: document, stderr: line })
  })
})
