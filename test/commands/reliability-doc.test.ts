import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { runCommand } from '../support/run-command.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** A row of the table of docs/reliability.md. */
interface Row {
  readonly what: string
  readonly command: string
  readonly seeds: string
  readonly n: string
  readonly figure: string
  readonly interval: string
}

const rows = readFileSync(join(root, 'docs/reliability.md'), 'utf8')
  .split('\n')
  .filter((line) => /^\| [^|]+ \| `/.test(line))
  .map((line): Row => {
    const [what = '', command = '', seeds = '', n = '', figure = '', interval = ''] = line
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim())
    return { what, command: command.replaceAll('`', ''), seeds, n, figure, interval }
  })

/** Requests of a short form: half of them while the attack goes on. */
const SHORT = 8
/** The normal distribution's 97.5 % point: for an interval of 95 %. */
const Z = 1.959963984540054

/** Where the true share lies with 95 %, in percent (Wilson 1927). */
function wilson(count: number, of: number): [number, number] {
  const share = count / of
  const middle = share + Z ** 2 / (2 * of)
  const half = Z * Math.sqrt((share * (1 - share)) / of + Z ** 2 / (4 * of ** 2))
  const scale = 100 / (1 + Z ** 2 / of)
  return [Math.max(0, (middle - half) * scale), Math.min(100, (middle + half) * scale)]
}

describe('the table of reliability', () => {
  test('has a row for each attack of the lab', async () => {
    const { stderr } = await runCommand('simulate', 'attack-of-nobody')
    const known = [...new Set(stderr.match(/attack-[a-z-]+[a-z]/g))].filter(
      (name) => name !== 'attack-of-nobody',
    )
    expect(known.length).toBeGreaterThanOrEqual(9)
    const shown = rows.map(({ command }) => /attack-[a-z-]+/.exec(command)?.[0])
    for (const name of known) expect(shown).toContain(name)
  })

  const counted = rows.filter(({ figure }) => /\d+ of \d+/.test(figure))
  test.each(counted)('says of $command, $what, how sure $figure is', ({ figure, interval, n }) => {
    const [, count = '', of = ''] = /(\d[\d,]*) of (\d[\d,]*)/.exec(figure) ?? []
    const number = (text: string) => Number(text.replaceAll(',', ''))
    const [low, high] = wilson(number(count), number(of))
    expect(interval).toBe(`${low.toFixed(1)} to ${high.toFixed(1)} %`)
    expect(number(n)).toBe(number(of))
  })

  const simulated = [...new Set(rows.map(({ command }) => command))].filter((command) =>
    /^npx layerswarm simulate attack-/.test(command),
  )
  test.each(simulated)('%s answers all, in a short form', async (command) => {
    const words = command.split(' ').slice(2)
    const seed = words.indexOf('--seed') + 1
    const short = words.with(seed, '1')
    const options = ['--requests', String(SHORT), '--json', '--no-accuracy']
    const { code, stdout, stderr } = await runCommand(...short, ...options)
    expect(code, stderr).toBe(0)
    const { attack } = JSON.parse(stdout).policies['any-order']
    expect([attack.during.answered, attack.after.answered]).toEqual([SHORT / 2, SHORT / 2])
  })

  const others = rows.filter(({ command }) => !command.startsWith('npx layerswarm simulate'))
  test('names scripts and tests that are there', () => {
    for (const { command } of others)
      for (const file of command.match(/[\w./-]+\.(mjs|ts|sh)\b/g) ?? [])
        expect(existsSync(join(root, file)), file).toBe(true)
  })
})
