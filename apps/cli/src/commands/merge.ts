import { usageError } from '../cli-error.ts'
import { defineCommand } from '../line/command.ts'
import { count, type Option, requiredText, text } from '../line/option.ts'

const mask: Option<readonly boolean[] | undefined> = {
  kind: 'text',
  placeholder: '0,1,1,0',
  help: 'where each layer comes from, 0 for A and 1 for B (half of each, drawn)',
  read: ([value], flag) => {
    if (value === undefined) return undefined
    if (!/^[01](,[01])*$/.test(value)) {
      throw usageError(`${flag} takes a 0 or 1 for every layer as 0,1,1,0, not "${value}"`)
    }
    return value.split(',').map((digit) => digit === '1')
  },
}

/** `layerswarm merge`. The layers of two trainings become one model. */
export const merge = defineCommand({
  name: 'merge',
  summary: 'make one model of the layers of two trainings of the same shape and variant',
  begins: 'merging',
  usage: ['A B --out DIR [--mask 0,1,1,0 | --seed S] [--name NAME]'],
  positionals: { min: 2, max: 2, placeholder: 'two DIRs' },
  options: {
    out: requiredText('DIR', 'receives model.safetensors, recipe.json and report.json'),
    mask,
    seed: count('draws which layers come from B', {
      low: 0,
      high: 2 ** 31,
      otherwise: undefined,
    }),
    name: text('NAME', "the model's name (A's with -merged)"),
  },
  examples: [
    'merge runs/first runs/second --out runs/merged --seed 1',
    'merge runs/first runs/second --out runs/merged --mask 0,1,1,0,1,0,0,1',
  ],
  async run({ positionals, values, print, emit }) {
    if (values.mask !== undefined && values.seed !== undefined) {
      throw usageError('merge takes --mask or --seed, not both')
    }
    const { mergeFolders } = await import('../release/merge-folders.ts')
    const [a = '', b = ''] = positionals
    const { name, modelHash, mask: chosen } = await mergeFolders(a, b, values)
    const layers = chosen.flatMap((fromB, layer) => (fromB ? [layer] : []))
    print(`${name}: layers ${layers.join(', ') || 'none'} from ${b}, everything else from ${a}`)
    emit({ name, out: values.out, mask: chosen.map(Number), modelHash })
  },
})
