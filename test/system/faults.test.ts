import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'

const folder = fileURLToPath(new URL('../../scripts/faults/', import.meta.url))
/** After which a server that was killed, and all who know it, are found again. */
const REACHABLE_MS_MAX = 15_000
/** In which a peer is hung up on whose messages are provably its own. */
const HUNG_UP_MS_MAX = 5_000

/** The last line that a script of that folder prints, in its short form. */
async function measured(script: string, ...flags: string[]): Promise<Record<string, unknown>> {
  const { stdout } = await promisify(execFile)(process.execPath, [`${folder}${script}`, ...flags])
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '')
}

describe('a swarm of real processes answers every request', () => {
  test.each(['era-jump', 'false-relay'])('while one peer attacks it: %s', async (attack) => {
    const flags = ['--attacks', attack, '--peers', '4', '--requests', '6', '--every-ms', '250']
    const { rows } = await measured('attacks.mjs', ...flags)
    const [{ during, after, hungUpMs }] = rows as [Record<string, unknown>]
    expect(during).toMatchObject({ requests: 6, answered: 6 })
    expect(after).toMatchObject({ requests: 6, answered: 6 })
    expect(hungUpMs).toBeLessThan(HUNG_UP_MS_MAX)
  })

  test('while its server is killed and started again, and is found again', async () => {
    const flags = ['--nodes', '3', '--tabs', '2', '--kills', '1', '--down-ms', '2000']
    const { requests, answered, twice, restarts } = await measured('relay.mjs', ...flags)
    expect([answered, twice]).toEqual([requests, 0])
    for (const restart of restarts as Record<string, number>[]) {
      expect(restart.countedMs).toBeLessThan(REACHABLE_MS_MAX)
      expect(restart.reservedMs).toBeLessThan(REACHABLE_MS_MAX)
    }
  })

  test('while providers are killed, and none twice', async () => {
    const flags = ['--processes', '5', '--minutes', '0.15', '--per-minute', '4']
    const { requests, answered, twice, faults } = await measured('providers.mjs', ...flags)
    expect(faults).toBeGreaterThan(0)
    expect([answered, twice]).toEqual([requests, 0])
  })
})
