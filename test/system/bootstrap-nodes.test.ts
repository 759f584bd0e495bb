import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { RELAY_DIAL_TIMEOUT_MS } from '../../packages/peer/src/limits.ts'
import { makeRelease } from '../support/make-release.ts'
import {
  type RunningSwarm,
  runCommand,
  startCommand,
  startService,
} from '../support/run-command.ts'

/** Enough to be asked while the server dies, at about 100 a second. */
const SAMPLES = 400
/** Whoever waited for the dead server would take as long as a dial to a server may, and more. */
const NEWCOMER_MS_MAX = RELAY_DIAL_TIMEOUT_MS

const cleanups: (() => Promise<unknown>)[] = []
let scratch = ''
let release = ''
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'layerswarm-bootstrap-'))
  release = (await makeRelease(scratch)).folder
})
afterAll(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
  await rm(scratch, { recursive: true, force: true })
})

async function signaling(...flags: string[]): Promise<RunningSwarm> {
  const data = ['--data', join(scratch, 'data', flags.join('').replaceAll(/\W/g, ''))]
  const server = await startService('signaling', '--model', release, ...data, ...flags)
  cleanups.push(() => server.end('SIGTERM'))
  return server
}

/** A process, and what it has logged. */
function start(...words: string[]) {
  const child = startCommand(...words)
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  let log = ''
  let out = ''
  child.stderr?.on('data', (text) => {
    log += String(text)
  })
  child.stdout?.on('data', (text) => {
    out += String(text)
  })
  cleanups.push(() => {
    child.kill('SIGKILL')
    return ended
  })
  return { log: () => log, out: () => out, ended }
}

const soon = { timeout: 20_000, interval: 50 }

describe('one of two bootstrap nodes that is killed under load', () => {
  test('costs no answer, newcomers join by the other, and peers go back to it', async () => {
    const b = await signaling('--port', '0')
    const a = await signaling('--port', '0', '--peer-with', b.url)
    const others = async () => (await (await fetch(`${a.url}/bootstrap.json`)).json()).others
    await expect.poll(others, soon).toEqual([`${b.url}/`])
    // They are told of one server, and hear of the other there.
    const volunteers = [1, 2].map(() => start('peer', '--join', a.url, '--capacity', '4'))
    for (const { log } of volunteers) {
      await expect.poll(log, soon).toContain('hosting layers')
      await expect.poll(log, soon).toContain(`connected to the server ${b.url}/`)
    }
    const count = String(SAMPLES)
    const asker = start(
      'classify',
      '--samples',
      count,
      '--join',
      a.url,
      '--json',
      '--concurrency',
      '2',
    )
    // Heard by the server that is about to die, the asker is in the swarm and has begun.
    const askers = async () =>
      (await (await fetch(`${a.url}/bootstrap.json`)).json()).releases[0].lanes[0]?.askers
    await expect.poll(askers, soon).toBe(1)
    expect(await a.end('SIGKILL')).toBeNull()
    expect(asker.out()).toBe('')

    const before = performance.now()
    const both = ['--join', a.url, '--join', b.url]
    const newcomer = await runCommand('classify', '--samples', '1', ...both, '--json')
    expect(performance.now() - before).toBeLessThan(NEWCOMER_MS_MAX)
    expect(JSON.parse(newcomer.stdout)).toMatchObject({ answered: 1, partial: 0 })
    expect(newcomer.stderr).toContain(`the server ${a.url}/ is away and tried again`)

    expect(await asker.ended, asker.log()).toBe(0)
    expect(JSON.parse(asker.out())).toMatchObject({
      samples: SAMPLES,
      answered: SAMPLES,
      partial: 0,
    })

    await signaling('--port', new URL(a.url).port, '--peer-with', b.url)
    const met = (log: string) => log.split(`connected to the server ${a.url}/`).length - 1
    for (const { log } of volunteers) await expect.poll(() => met(log()), soon).toBe(2)
  })
})
