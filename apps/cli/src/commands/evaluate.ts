import { usageError } from '../cli-error.ts'
import { defineCommand } from '../command.ts'
import { count, text } from '../option.ts'

export const evaluate = defineCommand({
  name: 'evaluate',
  summary: 'measure accuracies in sequence and in arbitrary orders',
  usage: ['DIR… [--data DIR | --samples DIR] [--seeds N]'],
  positionals: { min: 1, max: 100, placeholder: 'one DIR or more' },
  options: {
    data: text(
      'DIR',
      'folder with the idx files of Fashion-MNIST (where Debian installs them); its test images are used',
    ),
    samples: text('DIR', 'a sample pack instead, such as models/samples/fashion-mnist-500'),
    seeds: count('passes in arbitrary order', { low: 1, high: 100, otherwise: 5 }),
  },
  examples: [
    'evaluate models/fashion-vit',
    'evaluate models/fashion-vit --samples models/samples/fashion-mnist-500 --json',
  ],
  async run({ positionals, values, print, emit }) {
    if (values.data !== undefined && values.samples !== undefined) {
      throw usageError('evaluate takes --data or --samples, not both')
    }
    const { evaluateFolders } = await import('../evaluate-folders.ts')
    const releases = await evaluateFolders(positionals, values)
    for (const { name, images, sequential, arbitrary } of releases) {
      const spread = `${percent(arbitrary.mean)} ± ${percent(arbitrary.std)} in ${arbitrary.orders} orders`
      print(`${name}: ${percent(sequential)} in sequence, ${spread}, ${images} images`)
    }
    emit({ releases, merged: [] })
  },
})

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`
}
