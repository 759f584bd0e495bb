import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { COMMANDS } from '../commands/index.ts'
import { runLine } from './run-line.ts'

/** What the real commands say. */
async function run(...words: string[]) {
  let [stdout, stderr] = ['', '']
  const code = await runLine(
    {
      commands: COMMANDS,
      version: '1.2.3',
      signal: new AbortController().signal,
      whenCutOff: () => {},
      columns: () => undefined,
      stdout: (text) => {
        stdout += text
      },
      stderr: (text) => {
        stderr += text
      },
    },
    words,
  )
  return { code, stdout, stderr }
}

/** What they answer to flags that never get as far as a server. */
async function refusal(...words: string[]) {
  const { code, stdout, stderr } = await run(...words, '--port', '0', '--json')
  const { error } = JSON.parse(stdout) as { error: { message: string } }
  return { code, message: error.message, stderr }
}

describe('flags about how a swarm is reached', () => {
  const servers = ['1', '2', '3', '4'].flatMap((at) => ['--peer-with', `https://${at}.example`])
  test.each([
    ['up', ['--host', 'example.org'], 'takes an IP address of this machine'],
    ['up', ['--host', 'fe80::1%eth0'], 'takes an IP address of this machine'],
    ['peer', ['--join', 'http://x', '--host', '::1%lo'], 'takes an IP address of this machine'],
    ['up', ['--cert', 'cert.pem'], '--cert and --key go together'],
    ['signaling', ['--key', 'key.pem'], '--cert and --key go together'],
    ['signaling', ['--ice-server', 'https://stun.example'], 'takes stun:host:3478'],
    ['signaling', ['--ice-server', 'turn:turn.example'], 'needs a user and a credential'],
    ['signaling', ['--ice-server', 'stun:stun.example,user,secret'], 'takes no user'],
    ['signaling', ['--metrics', 'nobody'], 'everybody, here'],
    ['signaling', ['--tcp-port', '70000'], 'whole number from 0 to 65535'],
    ['signaling', ['--peer-with', 'other.example'], '--peer-with takes an address as http'],
    [
      'signaling',
      ['--peer-with', 'https://user:secret@other.example'],
      'without a user or a password',
    ],
    ['peer', ['--join', 'https://user@swarm.example'], 'without a user or a password'],
    ['signaling', ['--announce', ''], '--announce is given an empty text'],
    ['signaling', ['--data', ' '], '--data is given an empty text'],
    ['up', ['--cert=', '--key', 'key.pem'], '--cert is given an empty text'],
    ['up', servers, '--peer-with names 4 servers; 3 at most'],
  ])('%s %s is bad usage, in one line', async (command, flags, words) => {
    const { code, message, stderr } = await refusal(command, ...flags)
    expect(code).toBe(2)
    expect(message).toContain(words)
    expect(stderr).toBe(`layerswarm: ${message}\n`)
  })
})

describe('docs/hosting.md', () => {
  const text = readFileSync(new URL('../../../../docs/hosting.md', import.meta.url), 'utf8')
  const blocks = [...text.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, lines = '']) => lines)
  const commands = blocks
    .flatMap((block) => block.split('\n'))
    .map((line) => /^(?:\w+=\S+ )*layerswarm (\w+)( .*)$/.exec(line))
    .filter((match) => match !== null)
    .map(([, name = '', rest = '']): [string, string] => [name, rest])

  test('shows commands', () => expect(commands.length).toBeGreaterThan(7))

  test.each(commands)('names flags that there are: %s%s', async (name, rest) => {
    const { code, stdout } = await run(name, '--help')
    expect(code).toBe(0)
    const flags = rest.match(/--[\w-]+/g) ?? []
    expect(flags).not.toEqual([])
    for (const flag of flags) expect(stdout).toContain(`${flag} `)
  })
})
