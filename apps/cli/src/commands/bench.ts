import { usageError } from '../cli-error.ts'
import { defineCommand } from '../command.ts'
import { nearest } from '../nearest.ts'
import { count } from '../option.ts'

const NAMES = ['hop'] as const

export const bench = defineCommand({
  name: 'bench',
  summary: 'measure beside a reference, as ratios',
  usage: [`[${NAMES.join('|')}] [--rounds N]`],
  positionals: { min: 0, max: 1, placeholder: 'one NAME' },
  options: {
    rounds: count('measurements per case', { low: 1, high: 100_000, otherwise: 200 }),
  },
  examples: ['bench hop --json'],
  async run({ positionals, values, signal, print, log, emit }) {
    const [name = NAMES[0]] = positionals
    if (!NAMES.some((known) => known === name)) {
      throw usageError(`there is no bench "${name}"; did you mean "${nearest(name, NAMES)}"?`)
    }
    const { hop } = await import('../bench/hop.ts')
    print(`${hop.name}: ${hop.compares}`)
    const rows = await hop.run({ rounds: values.rounds, signal, log })
    for (const { case: what, ours, reference, ratio, unit } of rows) {
      print(`${what}: ${ours.toFixed(2)} / ${reference.toFixed(2)} ${unit} = ${ratio.toFixed(2)}`)
    }
    emit({ name: hop.name, rows })
  },
})
