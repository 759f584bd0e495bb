import { afterEach, describe, expect, test } from 'vitest'
import {
  type Finished,
  type RunningSwarm,
  runCommand,
  startCommand,
  startService,
} from '../support/run-command.ts'

const cleanups: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function signaling(): Promise<RunningSwarm> {
  const swarm = await startService('signaling', '--port', '0')
  cleanups.push(() => swarm.end('SIGTERM'))
  return swarm
}

/** A provider of its own, serving these layers when this returns. */
async function provider(url: string, layers: string) {
  const child = startCommand('peer', '--join', url, '--layers', layers)
  const ended = new Promise((resolve) => child.once('close', resolve))
  const end = (signal: 'SIGTERM' | 'SIGKILL') => {
    child.kill(signal)
    return ended
  }
  cleanups.push(() => end('SIGTERM'))
  child.stdout?.resume()
  const ready = `hosting layers ${layers.split(',').join(', ')}`
  let log = ''
  await new Promise<void>((resolve, reject) => {
    child.stderr?.on('data', (data) => {
      log += String(data)
      if (log.includes(ready)) resolve()
    })
    child.once('close', () => reject(new Error(`the provider ended: ${log}`)))
  })
  return { end }
}

const ask = (url: string, ...words: string[]): Promise<Finished> =>
  runCommand('classify', '--samples', '3', '--join', url, '--json', ...words)

describe('a swarm with a gap', () => {
  test('answers from the layers that are left and says how many answers are partial', async () => {
    const { url } = await signaling()
    await provider(url, '0,1,2,4,5,6,7')
    const only = await provider(url, '3')
    const whole = JSON.parse((await ask(url)).stdout)
    expect(whole).toMatchObject({ answered: 3, partial: 0 })

    await only.end('SIGKILL')
    const { code, stdout, stderr } = await ask(url)
    expect(code, stderr).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ answered: 3, partial: 3 })
  })

  test('refuses when more layers are asked for than it has', async () => {
    const { url } = await signaling()
    await provider(url, '0,1,2')
    const { code, stdout, stderr } = await ask(url, '--min-layers', '5', '--deadline-ms', '6000')
    expect(code).toBe(1)
    expect(stderr.trim().split('\n').at(-1)).toMatch(
      /only 3 layers could be applied and at least 5/,
    )
    expect(JSON.parse(stdout).error.code).toBe('too-few-layers')
  })
})

describe('a swarm without providers', () => {
  test('fails within the deadline with a line that says why and what to do', async () => {
    const { url } = await signaling()
    const startedMs = Date.now()
    const { code, stdout, stderr } = await ask(url, '--deadline-ms', '4000')
    expect(code).toBe(1)
    expect(stderr.trim().split('\n').at(-1)).toMatch(
      /nobody in this swarm hosts a layer; start a peer/,
    )
    expect(JSON.parse(stdout).error.code).toBe('no-providers')
    // The command starts, joins and stops within the rest.
    expect(Date.now() - startedMs).toBeLessThan(4_000 + 20_000)
  })
})
