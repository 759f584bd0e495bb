import type { Bench, BenchRow } from '../bench/bench.ts'
import { usageError } from '../cli-error.ts'
import { defineCommand } from '../line/command.ts'
import { nearest } from '../line/nearest.ts'
import { count } from '../line/option.ts'

/** Loaded when they are run: they bring the whole peer along. */
const BENCHES: ReadonlyMap<string, () => Promise<Bench>> = new Map([
  ['hop', async () => (await import('../bench/hop.ts')).hop],
  ['memory', async () => (await import('../bench/memory.ts')).memory],
  ['vit-b', async () => (await import('../bench/vit-b.ts')).vitB],
  ['tab', async () => (await import('../bench/tab.ts')).tab],
  ['train', async () => (await import('../bench/train.ts')).train],
  ['reality', async () => (await import('../bench/reality.ts')).reality],
  ['together', async () => (await import('../bench/together.ts')).together],
  ['crowd', async () => (await import('../bench/crowd.ts')).crowd],
])
const NAMES = [...BENCHES.keys()]

/** `layerswarm bench`. The benchmarks of `bench/`, each beside a reference. */
export const bench = defineCommand({
  name: 'bench',
  summary: 'measure beside a reference, as ratios',
  begins: 'measuring',
  usage: [`[${NAMES.join('|')}] [--rounds N]`],
  positionals: { min: 0, max: 1, placeholder: 'one NAME, or all of them', choices: NAMES },
  options: {
    rounds: count(
      'measurements per case (hop: 60, memory: 2000 requests, vit-b: 10 requests, reality: 30, crowd: 200 requests, together: 10 pictures, tab and train: 5)',
      {
        low: 1,
        high: 100_000,
        otherwise: undefined,
      },
    ),
  },
  examples: ['bench hop --json', 'bench memory --rounds 500'],
  async run({ positionals, values, signal, print, table, log, doing, emit }) {
    const [name] = positionals
    if (name !== undefined && !BENCHES.has(name)) {
      throw usageError(`there is no bench "${name}"; did you mean "${nearest(name, NAMES)}"?`)
    }
    const measured = []
    for (const [known, open] of BENCHES) {
      if (name !== undefined && name !== known) continue
      const chosen = await open()
      print(`${chosen.name}: ${chosen.compares}`)
      doing(`measuring ${chosen.name}`)
      const rows = await chosen.run({ rounds: values.rounds ?? chosen.rounds, signal, log })
      table({ head: ['case', 'ours', 'reference', 'unit', 'ratio'], rows: rows.flatMap(tableRows) })
      measured.push(...rows)
    }
    emit({ name: name ?? 'all', rows: measured })
  },
})

/** A measurement, and below it what it is made of. */
function tableRows({ case: what, ours, reference, ratio, unit, parts = [] }: BenchRow): string[][] {
  return [
    [what, ours.toFixed(2), reference.toFixed(2), unit, ratio.toFixed(2)],
    ...parts.map(({ part, ours: own }) => [`  ${part}`, own.toFixed(3), '', unit, '']),
  ]
}
