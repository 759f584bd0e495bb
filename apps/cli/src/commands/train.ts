import { availableParallelism } from 'node:os'
import type { StartModel } from '@layerswarm/trainer'
import { TRAINING_THREADS_MAX, UNKNOWN_TERMINAL_COLUMNS } from '../limits.ts'
import { defineCommand } from '../line/command.ts'
import { bare, choice, count, requiredText, text, texts } from '../line/option.ts'
import { STRICT_OPTION } from '../line/strict-option.ts'
import {
  createLineDisplay,
  createPlotDisplay,
  duration,
  percent,
} from '../terminal/train-display.ts'

/** `layerswarm train`. A training by a recipe. */
export const train = defineCommand({
  name: 'train',
  summary: 'train a model by a recipe',
  begins: 'training',
  usage: [
    'RECIPE --out DIR [--data DIR [--download FILE] [--size N]] [--strict] [--from DIR] [--teacher DIR]… [--engine cpu|webgpu] [--threads N] [--resume]',
  ],
  positionals: { min: 1, max: 1, placeholder: 'one RECIPE' },
  lingers: true,
  options: {
    out: requiredText(
      'DIR',
      'receives model.safetensors, recipe.json, report.json, train-report.html and checkpoints',
    ),
    data: text(
      'DIR',
      'data set: idx files of Fashion-MNIST or MNIST, CIFAR-10 or CIFAR-100 binary files, or DIR/class/*.png (Fashion-MNIST where Debian installs it)',
    ),
    download: text('FILE', 'fetches what --data lacks, as a list of addresses and hashes says'),
    size: count('height and width to which pictures in folders are fitted (as they are)', {
      low: 4,
      high: 1024,
      otherwise: undefined,
    }),
    from: text(
      'DIR',
      'a model to begin with: what `layerswarm import` made, or a folder that it takes',
    ),
    teacher: texts(
      'DIR',
      'a model whose answers are "teacherShare" of the targets; several are averaged (none)',
    ),
    engine: choice(
      ['cpu', 'webgpu'],
      'what computes; without it a graphics card if there is one, else the processor',
      undefined,
    ),
    threads: count(
      `threads of the processor, on which results do not depend (one per core, at most ${TRAINING_THREADS_MAX})`,
      { low: 1, high: 256, otherwise: undefined },
    ),
    strict: STRICT_OPTION,
    resume: bare('continue from the checkpoint in --out'),
  },
  examples: [
    'train packages/trainer/recipes/fashion-vit.json --out runs/fashion-vit',
    'train packages/trainer/recipes/fashion-vit.json --out runs/fashion-vit --resume',
    'train my-recipe.json --out runs/fine-tuned --data pictures --from runs/imported',
  ],
  async run({ positionals, values, json, signal, print, log, emit }) {
    const { readRecipe, train: runTraining } = await import('@layerswarm/trainer')
    const { fetchData, picturesOf } = await import('../images/data-options.ts')
    const { readModelFolder, readStartFolder } = await import('../release/release-folder.ts')
    const { refuseTakenByOther } = await import('../release/taken-folder.ts')
    const recipe = await readRecipe(positionals[0] ?? '')
    await refuseTakenByOther(values.out, values.resume)
    await fetchData({ ...values, signal, log })
    const start = values.from === undefined ? undefined : await readStartFolder(values.from)
    const teachers: StartModel[] = []
    for (const folder of values.teacher) teachers.push(await readModelFolder(folder))
    const { isTTY, columns } = process.stderr
    const display =
      isTTY && !json
        ? createPlotDisplay(log, {
            columns: columns || UNKNOWN_TERMINAL_COLUMNS,
            // Says no to NO_COLOR (no-color.org), and yes to FORCE_COLOR.
            hasColours: process.stderr.hasColors(),
          })
        : createLineDisplay(log)
    const report = await runTraining(recipe, {
      outDir: values.out,
      resume: values.resume,
      engine: values.engine,
      threads: values.threads ?? Math.min(TRAINING_THREADS_MAX, availableParallelism()),
      signal,
      ...(values.data === undefined ? {} : { dataDir: values.data }),
      pictures: picturesOf(values.size, start, { strict: values.strict, log }),
      from: start,
      teachers,
      words: wordsOf(positionals, values),
      onProgress(progress) {
        display.show(progress)
        if (progress.step === progress.steps) log('measuring on all test images')
      },
    })
    const { sequential, arbitrary } = report.accuracies
    print(
      `${report.name}: ${report.parameters} parameters, ${duration(report.wallSeconds)} on ${report.engine}`,
    )
    print(
      `test images: ${percent(sequential)} in sequence, ${percent(arbitrary.mean)} ± ${percent(arbitrary.std)} in any order`,
    )
    print(`curves: ${values.out}/train-report.html`)
    emit({ ...report })
  },
})

/** What of a line decides a training: whoever goes on with it says the same. */
function wordsOf(
  recipes: readonly string[],
  {
    data,
    size,
    from,
    teacher,
    engine,
  }: Readonly<Record<'data' | 'from' | 'engine', string | undefined>> & {
    readonly size: number | undefined
    readonly teacher: readonly string[]
  },
): string[] {
  const given = { data, size, from, engine }
  return [
    ...recipes,
    ...Object.entries(given).flatMap(([name, value]) =>
      value === undefined ? [] : [`--${name}`, String(value)],
    ),
    ...teacher.flatMap((folder) => ['--teacher', folder]),
  ]
}
