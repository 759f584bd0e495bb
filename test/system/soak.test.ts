import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const script = fileURLToPath(new URL('../../scripts/page/soak-tabs.mjs', import.meta.url))

interface Soaked {
  readonly rows: readonly {
    readonly tabs: readonly { answered: number; failed: number; made: number; open: number }[]
  }[]
  readonly problems: readonly string[]
}

/** Tabs of half a minute still fill what they remember: that memory is flat then, only half an hour shows. */
test('three tabs that ask without a pause keep two connections each, and nothing goes wrong', async () => {
  const child = spawn(process.execPath, [script, '--minutes', '0.5', '--json'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  let said = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  await once(child, 'close')
  const { rows, problems } = JSON.parse(said) as Soaked
  expect(problems.filter((problem) => !problem.includes(' grew by '))).toEqual([])
  for (const { answered, open, made } of rows.at(-1)?.tabs ?? []) {
    expect(answered).toBeGreaterThan(3)
    expect(open).toBe(2)
    expect(made).toBeLessThanOrEqual(6)
  }
  expect(rows.at(-1)?.tabs).toHaveLength(3)
}, 300_000)
