import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { grayPng } from '../support/pictures.ts'
import { type CommandCheck, readmeCommands, runReadmeCommand } from '../support/readme-commands.ts'
import { type RunningSwarm, startCommand, startSwarm } from '../support/run-command.ts'

/** Where the README's swarm is. */
const README_URL = 'http://127.0.0.1:9000'

let scratch = ''
let swarm: RunningSwarm

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'layerswarm-readme-'))
  swarm = await startSwarm('--peers', '2', '--port', '0')
})

afterAll(async () => {
  await swarm?.end('SIGTERM')
  await rm(scratch, { recursive: true, force: true })
})

/** Runs a command of the README against this swarm. */
const run: typeof runReadmeCommand = (line, places) =>
  runReadmeCommand(line, { [README_URL]: swarm.url, ...places })

/** Every command of the README that needs a swarm, and what it must show. */
const COMMANDS: Readonly<Record<string, CommandCheck>> = {
  'npx layerswarm classify --samples 20 --join http://127.0.0.1:9000': async (line) => {
    expect(await run(line)).toMatch(/^20 of 20 answered, \d+ correct/)
  },
  'npx layerswarm classify photo.jpg --join http://127.0.0.1:9000': async (line) => {
    const photo = join(scratch, 'photo.png')
    await writeFile(photo, await grayPng())
    expect(await run(line, { 'photo.jpg': photo })).toMatch(/%/)
  },
  'npx layerswarm peer --join http://127.0.0.1:9000 --layers auto': async () => {
    const child = startCommand('peer', '--join', swarm.url, '--layers', 'auto')
    const ended = new Promise((resolve) => child.once('close', resolve))
    let log = ''
    await new Promise<void>((resolve) => {
      child.stderr?.on('data', (data) => {
        log += String(data)
        if (log.includes('hosting layers')) resolve()
      })
    })
    child.kill('SIGTERM')
    expect(await ended, log).toBe(0)
  },
  'npx layerswarm demo --samples 200 --peers 8 --kill 2': async (line) => {
    const report = JSON.parse(await run(`${line} --json`))
    expect(report).toMatchObject({ samples: 200, answered: 200, killed: 2 })
    expect(report.distinctOrders).toBeGreaterThanOrEqual(20)
    // 89 % of these images in arbitrary order; a run's own orders move it by about a point.
    expect(report.accuracy).toBeGreaterThan(0.84)
  },
}

describe('the README', () => {
  test('shows the commands that this file runs, beside those without a swarm', async () => {
    expect(await readmeCommands('in a swarm')).toEqual(Object.keys(COMMANDS).toSorted())
  })

  test.each(Object.entries(COMMANDS))('%s', async (line, check) => check(line))
})
