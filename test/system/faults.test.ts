import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'

const folder = fileURLToPath(new URL('../../scripts/faults/', import.meta.url))
/** After which a server that was killed, and all who know it, are found again. */
const REACHABLE_MS_MAX = 15_000
/** In which a peer is hung up on whose messages are provably its own. */
const HUNG_UP_MS_MAX = 5_000

/** How much longer it may take a tab to serve beside silent sockets. */
const SERVING_MS_MAX = 5_000

/** The last line that a script of that folder prints, in its short form. */
async function measured(script: string, ...flags: string[]): Promise<Record<string, unknown>> {
  const { stdout } = await promisify(execFile)(process.execPath, [`${folder}${script}`, ...flags])
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '')
}

describe('a swarm of real processes answers every request', { timeout: 240_000 }, () => {
  test('while one peer attacks it, which is hung up on', async () => {
    const flags = ['--peers', '4', '--requests', '5', '--every-ms', '200']
    const { rows } = await measured('attacks.mjs', '--attacks', 'era-jump,false-relay', ...flags)
    for (const { during, after, hungUpMs } of rows as Record<string, unknown>[]) {
      expect(during).toMatchObject({ requests: 5, answered: 5 })
      expect(after).toMatchObject({ requests: 5, answered: 5 })
      expect(hungUpMs).toBeLessThan(HUNG_UP_MS_MAX)
    }
  })

  test('while its server is killed and started again, and is found again', async () => {
    const flags = [
      '--nodes',
      '4',
      '--processes',
      '1',
      '--tabs',
      '1',
      '--kills',
      '1',
      '--down-ms',
      '1000',
      '--every-ms',
      '500',
    ]
    const { requests, answered, twice, error, restarts } = await measured('relay.mjs', ...flags)
    expect({ answered, twice, error }).toEqual({ answered: requests, twice: 0, error: undefined })
    for (const restart of restarts as Record<string, number>[]) {
      expect(restart.countedMs).toBeLessThan(REACHABLE_MS_MAX)
      expect(restart.reservedMs).toBeLessThan(REACHABLE_MS_MAX)
    }
  })

  test('while providers are killed, and none twice', async () => {
    const flags = ['--processes', '5', '--minutes', '0.1', '--per-minute', '6']
    const { requests, answered, twice, error, faults } = await measured('providers.mjs', ...flags)
    expect(faults).toBeGreaterThan(0)
    expect({ answered, twice, error }).toEqual({ answered: requests, twice: 0, error: undefined })
  })

  test('beside hosts that are never free, which empty no layer', async () => {
    const row = await measured('hollow.mjs', '--wait-s', '15', '--requests', '6')
    expect(row.during).toMatchObject({ answered: 6, whole: 6 })
    for (const count of row.meanwhile as number[]) expect(count).toBeGreaterThan(0)
  })

  test('while two layers lose their only hosts, and says so', async () => {
    const { answered, labelled, after } = await measured('losses.mjs', '--samples', '24')
    expect({ answered, labelled }).toEqual({ answered: 24, labelled: 24 })
    const { asked, withoutLost } = after as Record<string, number>
    expect(asked).toBeGreaterThan(0)
    expect(withoutLost).toBe(asked)
  })
})

test('a tab joins beside sockets and streams that say nothing', { timeout: 240_000 }, async () => {
  const flags = ['--silent', '300', '--half-open', '150', '--streams', '200', '--times', '1']
  const { rows } = await measured('sockets.mjs', ...flags)
  const [{ calm, beside }] = rows as [Record<'calm' | 'beside', { servingMs: number }>]
  // The machine may be busy with other things: so it was for the tab before. The script also waits until it has met the peer.
  expect(beside.servingMs - calm.servingMs).toBeLessThan(SERVING_MS_MAX)
})

describe('a script of faults', () => {
  test.each(['attacks', 'deadlines', 'hollow', 'losses', 'providers', 'relay', 'sockets'])(
    'says in one line that a flag of %s is wrong',
    async (name) => {
      const wrong = promisify(execFile)(process.execPath, [`${folder}${name}.mjs`, '--tims', '3'])
      await expect(wrong).rejects.toMatchObject({
        code: 2,
        stderr: expect.stringMatching(/^Unknown option '--tims'[^\n]*\n$/),
      })
    },
  )
})
