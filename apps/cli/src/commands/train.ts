import { defineCommand } from '../command.ts'
import { bare, requiredText, text } from '../option.ts'

export const train = defineCommand({
  name: 'train',
  summary: 'train a model by a recipe',
  usage: ['RECIPE --out DIR [--data DIR] [--resume]'],
  positionals: { min: 1, max: 1, placeholder: 'one RECIPE' },
  options: {
    out: requiredText(
      'DIR',
      'receives model.safetensors, recipe.json, report.json and checkpoints',
    ),
    data: text('DIR', 'folder with the idx files of Fashion-MNIST (where Debian installs them)'),
    resume: bare('continue from the checkpoint in --out'),
  },
  examples: ['train models/recipes/fashion-vit.json --out runs/fashion-vit'],
  async run({ positionals, values, signal, print, log, emit }) {
    const { readRecipe, train: runTraining } = await import('@layerswarm/trainer')
    const recipe = await readRecipe(positionals[0] ?? '')
    const report = await runTraining(recipe, {
      outDir: values.out,
      resume: values.resume,
      signal,
      ...(values.data === undefined ? {} : { dataDir: values.data }),
      onProgress: ({ step, steps, loss, imagesPerSecond, etaSeconds, evaluation }) => {
        const accuracy =
          evaluation === undefined
            ? ''
            : `, held out: ${percent(evaluation.sequential)} in sequence, ${percent(evaluation.arbitrary)} in any order`
        log(
          `step ${step} of ${steps}, loss ${loss.toFixed(3)}, ${imagesPerSecond.toFixed(0)} images/s, ${duration(etaSeconds)} left${accuracy}`,
        )
      },
    })
    const { sequential, arbitrary } = report.accuracies
    print(`${report.name}: ${report.parameters} parameters, ${duration(report.wallSeconds)}`)
    print(
      `test images: ${percent(sequential)} in sequence, ${percent(arbitrary.mean)} ± ${percent(arbitrary.std)} in any order`,
    )
    emit({ ...report })
  },
})

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`
}

function duration(seconds: number): string {
  return seconds < 90 ? `${seconds.toFixed(0)} s` : `${(seconds / 60).toFixed(1)} min`
}
