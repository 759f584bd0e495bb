import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { grayPng } from '../support/pictures.ts'
import { type RunningSwarm, startCommand, startService } from '../support/run-command.ts'

let scratch = ''
let swarm: RunningSwarm
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'layerswarm-interruption-'))
  await writeFile(join(scratch, 'picture.png'), await grayPng())
  swarm = await startService('signaling', '--port', '0')
})
afterAll(async () => {
  await swarm?.end('SIGTERM')
  await rm(scratch, { recursive: true, force: true })
})

/** Interrupts a `classify` so long after it has begun to start its engine. */
async function interrupted(afterMs: number) {
  const picture = join(scratch, 'picture.png')
  const child = startCommand('classify', picture, '--join', swarm.url)
  let stderr = ''
  let isSent = false
  child.stderr?.on('data', (text) => {
    stderr += String(text)
    if (isSent || !stderr.includes('starting the engine')) return
    isSent = true
    setTimeout(() => child.kill('SIGINT'), afterMs)
  })
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  return { code, stderr }
}

describe('ctrl-c while an engine starts in native code', () => {
  // Without the wait for what runs there, about every third of these ended with an abort of the process.
  test.each([0, 40, 80, 120, 160, 240, 320])(
    'ends the command after %i ms as ctrl-c does',
    async (afterMs) => {
      const { code, stderr } = await interrupted(afterMs)
      expect(code, stderr).toBe(130)
      expect(stderr).not.toContain('terminate called')
      expect(stderr.trimEnd().split('\n').at(-1)).toBe('layerswarm: interrupted')
    },
  )
})
