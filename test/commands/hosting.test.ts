import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { makeCertificate } from '@layerswarm/signaling'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runCommand, runCommandIn, startService } from '../support/run-command.ts'

let dir = ''
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'layerswarm-hosting-'))
})
afterAll(() => rm(dir, { recursive: true, force: true }))

/** The one line with which a command refuses, and its exit code. */
async function refusal(command: string, ...flags: string[]) {
  const { code, stdout, stderr } = await runCommand(command, '--port', '0', ...flags, '--json')
  const { error } = JSON.parse(stdout) as { error: { code: string; message: string } }
  const lines = stderr.split('\n').filter((line) => line.startsWith('layerswarm:'))
  expect(lines).toEqual([`layerswarm: ${error.message}`])
  expect(stderr).not.toContain('    at ')
  return { code, error }
}

async function pem(name: string, text: string): Promise<string> {
  await writeFile(join(dir, name), text)
  return join(dir, name)
}

describe('flags about how a swarm is reached', () => {
  test('are refused in one line, and nothing is started', async () => {
    const { code, error } = await refusal('signaling', '--key', 'key.pem')
    expect(code).toBe(2)
    expect(error.message).toContain('--cert and --key go together')
  })

  test.each([
    [['--announce', 'swarm.example:443'], 'cannot announce swarm.example:443'],
    [['--announce', `https://${'a'.repeat(3_000)}.example`], 'it is too long'],
    [['--data', fileURLToPath(import.meta.url)], 'cannot be kept in'],
    [['--host', '192.0.2.77'], 'give an address of this machine'],
    [Array.from({ length: 5 }, () => ['--ice-server', 'stun:stun.example']).flat(), '4 at most'],
  ])('%s keeps a server from starting', async (flags, words) => {
    const { code, error } = await refusal('signaling', ...flags)
    expect(code).toBe(1)
    expect(error.message).toContain(words)
  })

  test.each([
    [['--host', 'here'], 2, '0.0.0.0 for all of them, or none, not "here"'],
    [['--host', 'none'], 1, 'listens on no host has no port'],
    [['--announce', 'me.example:9100'], 1, 'cannot announce me.example:9100'],
    [['--announce', '/dns4/me.example/udp/9100'], 1, 'no TCP port of a host'],
  ])('%s keeps a volunteer from starting', async (flags, exitCode, words) => {
    const { code, error } = await refusal('peer', '--join', 'http://127.0.0.1:1', ...flags)
    expect(code).toBe(exitCode)
    expect(error.message).toContain(words)
  })

  test('a volunteer that cannot join says why once, and of no server that it is tried again', async () => {
    const { code, stderr } = await runCommand('peer', '--join', 'http://127.0.0.1:1')
    expect(code).toBe(1)
    expect(stderr.match(/bad port/g)).toHaveLength(1)
    expect(stderr).not.toContain('tried again')
  })

  test('a certificate that is another key’s, or too old, keeps it from starting', async () => {
    const one = await makeCertificate(['here'])
    const old = await makeCertificate(['here'], Date.now() - 500 * 86_400_000)
    const cert = await pem('cert.pem', one.cert)
    const cases = [
      [cert, await pem('other.pem', old.key), 'is not the key of the certificate'],
      [await pem('old.pem', old.cert), await pem('old-key.pem', old.key), 'has expired'],
    ] as const
    for (const [certFile, keyFile, words] of cases) {
      const { code, error } = await refusal('signaling', '--cert', certFile, '--key', keyFile)
      expect(code).toBe(1)
      expect(error).toMatchObject({
        code: 'bad-certificate',
        message: expect.stringContaining(words),
      })
    }
  })
})

describe('a swarm with a certificate of its own', () => {
  test('keeps it, serves a volunteer of this machine, and lets in who trusts it', async () => {
    const data = join(dir, 'data')
    const swarm = await startService('up', '--port', '0', '--peers', '1', '--https', '--data', data)
    try {
      expect(swarm.url).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/)
      const file = join(data, 'tls-cert.pem')
      expect(await readFile(file, 'utf8')).toContain('BEGIN CERTIFICATE')
      expect((await stat(join(data, 'tls-key.pem'))).mode & 0o077).toBe(0)
      const ask = ['classify', '--samples', '3', '--join', swarm.url, '--json']
      const trusting = await runCommandIn({ NODE_EXTRA_CA_CERTS: file }, ...ask)
      expect({ ...JSON.parse(trusting.stdout), code: trusting.code }).toMatchObject({
        answered: 3,
        code: 0,
      })
      const stranger = await runCommand(...ask)
      expect(stranger.code).toBe(1)
      expect(JSON.parse(stranger.stdout).error.message).toContain('NODE_EXTRA_CA_CERTS')
    } finally {
      await swarm.end('SIGTERM')
    }
  })
})
