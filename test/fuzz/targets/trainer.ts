import { splitCheckpoint, writeSafetensors } from '@layerswarm/model'
import { readCheckpoint, writeCheckpoint } from '../../../packages/trainer/src/checkpoint.ts'
import { loadCifar } from '../../../packages/trainer/src/data/cifar.ts'
import { readSources } from '../../../packages/trainer/src/data/download.ts'
import { loadIdxData } from '../../../packages/trainer/src/data/idx-data.ts'
import { otherData } from '../../../packages/trainer/src/data/learned-data.ts'
import { importCheckpoint } from '../../../packages/trainer/src/import-checkpoint.ts'
import { modelFile, readModelFile } from '../../../packages/trainer/src/model-file.ts'
import { layoutOf } from '../../../packages/trainer/src/parameters.ts'
import { parseRecipe, readRecipe } from '../../../packages/trainer/src/recipe.ts'
import {
  parseResumeWords,
  readCheckpointNotes,
  resumeCommand,
} from '../../../packages/trainer/src/resumption.ts'
import { checkPlain } from '../../../packages/trainer/src/timm-plain.ts'
import { timmPreprocessing } from '../../../packages/trainer/src/timm-preprocessing.ts'
import { jsonOf, parsed, REFUSED, refusing, refusingLater, same, type Target } from '../target.ts'
import { scratch, written } from './files.ts'
import { TINY_SPEC, tinyCheckpoint } from './model.ts'

const file = (name: string) => `packages/trainer/src/${name}`

const RECIPE = {
  ...{ name: 'tiny', variant: 'shuffle', optimizer: 'adamw', patchSize: 4, width: 4, layers: 2 },
  ...{ heads: 1, mlpWidth: 4, batch: 2, images: 10, learningRate: 0.001, beta2: 0.98 },
  ...{ weightDecay: 0.05, clip: 1, warmupSteps: 1, labelSmoothing: 0.1, ema: 0.99, shift: 1 },
  ...{ flip: 0.5, erase: 0, keptPatches: 1, keptPatchesUntil: 0.5, seed: 1, threads: 1 },
}

const CONFIG = {
  ...{ model_type: 'vit', image_size: 4, patch_size: 4, num_channels: 1, hidden_size: 4 },
  ...{ num_hidden_layers: 2, num_attention_heads: 1, intermediate_size: 4 },
  ...{ layer_norm_eps: 1e-6, layershuffle_variant: 'shuffle', id2label: { 0: 'a', 1: 'b' } },
}

const TIMM_SHAPE = {
  ...{ imageSize: 8, patchSize: 4, channels: 3, width: 4, layers: 2, mlpWidth: 16, classes: 2 },
}

const TIMM_CONFIG = {
  architecture: 'vit_tiny_patch4_8',
  model_args: { img_size: [8, 8], depth: 2, mlp_ratio: 4, act_layer: 'gelu', init_values: null },
  pretrained_cfg: {
    ...{ interpolation: 'bicubic', crop_pct: 0.9, crop_mode: 'squash' },
    ...{ mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] },
  },
}

const emptyState = () => ({
  parameters: new Float32Array(3),
  m: new Float32Array(3),
  v: new Float32Array(3),
  ema: new Float32Array(3),
})

const PROGRESS = {
  ...{ step: 1, position: 0, loss: 1, epoch: [1, 2, 3, 4], augmentation: [1, 2, 3, 4] },
  ...{ orders: [1, 2, 3, 4], curve: [], wallSeconds: 1, cpuSeconds: 1 },
}

const ORIGIN = { startedFrom: null, teachers: [] }

const DATA = {
  ...{ name: 'ten', images: 20, classes: 2, imageSize: 4, channels: 1 },
  hash: 'ab'.repeat(32),
}

function checkpointOf(recipe: unknown, progress: unknown, origin?: unknown): Uint8Array {
  const one = { dtype: 'F32' as const, shape: [3], data: new Uint8Array(12) }
  const metadata = {
    format: 'layerswarm-checkpoint-1',
    recipe: JSON.stringify(recipe),
    ...(origin === undefined ? {} : { origin: JSON.stringify(origin) }),
    progress: JSON.stringify(progress),
  }
  return writeSafetensors({ parameters: one, m: one, v: one, ema: one }, metadata)
}

const MODEL_FAULTS = ['bad-safetensors', 'missing-tensor', 'extra-tensor', 'bad-shape']

export const TRAINER_TARGETS: readonly Target[] = [
  {
    name: 'trainer/recipe',
    covers: [file('recipe.ts#parseRecipe'), file('recipe.ts#readRecipe')],
    kind: 'json',
    seeds: () => [jsonOf(RECIPE)],
    run(input) {
      const given = parsed(input)
      const documented = { TrainerError: ['bad-recipe'] }
      if (given === REFUSED)
        return refusingLater(documented, () => readRecipe(written('recipe.json', input)))
      const value = refusing(documented, () => parseRecipe(given))
      if (value !== REFUSED) same(parseRecipe(value), value, 'is read differently a second time')
      return value
    },
  },
  {
    name: 'trainer/checkpoint',
    covers: [file('checkpoint.ts#readCheckpoint'), file('checkpoint.ts#writeCheckpoint')],
    kind: 'bytes',
    share: 0.004,
    seeds: () => [checkpointOf(RECIPE, PROGRESS, ORIGIN), checkpointOf(RECIPE, {})],
    run(input) {
      const path = written('checkpoint.safetensors', input)
      const of = { recipe: parseRecipe(RECIPE), origin: ORIGIN, data: DATA, words: [] }
      return refusingLater({ TrainerError: ['bad-checkpoint'] }, async () => {
        const state = emptyState()
        const progress = await readCheckpoint(path, of, state)
        await writeCheckpoint(path, of, state, progress)
        same(await readCheckpoint(path, of, emptyState()), progress, 'is another once written')
        return progress
      })
    },
  },
  {
    name: 'trainer/checkpoint-progress',
    covers: [file('checkpoint.ts#readCheckpoint')],
    kind: 'json',
    share: 0.004,
    seeds: () => [jsonOf({ recipe: RECIPE, progress: PROGRESS, origin: ORIGIN })],
    run(input) {
      const { recipe, progress, origin } = Object(parsed(input))
      const path = written('progress.safetensors', checkpointOf(recipe, progress, origin))
      return refusingLater({ TrainerError: ['bad-checkpoint'] }, () =>
        readCheckpoint(path, { recipe: parseRecipe(RECIPE), origin: ORIGIN }, emptyState()),
      )
    },
  },
  {
    name: 'trainer/checkpoint-notes',
    covers: [
      file('resumption.ts#readCheckpointNotes'),
      file('resumption.ts#parseResumeWords'),
      file('data/learned-data.ts#parseLearnedData'),
    ],
    kind: 'json',
    share: 0.004,
    seeds: () => [jsonOf({ data: DATA, words: ['a recipe.json', '--data', "it's"] })],
    async run(input) {
      const given = parsed(input)
      if (given === REFUSED) return REFUSED
      const { data, words } = Object(given)
      const metadata = { data: JSON.stringify(data) ?? '', words: JSON.stringify(words) ?? '' }
      const notes = await readCheckpointNotes(
        written('notes.safetensors', writeSafetensors({}, metadata)),
      )
      if (notes === undefined) throw new Error('what was written is not read')
      same(parseResumeWords(metadata.words), notes.words, 'are other words by themselves')
      return [otherData(notes.data, DATA), resumeCommand(notes.words, 'out')]
    },
  },
  {
    name: 'trainer/sources',
    covers: [file('data/download.ts#readSources')],
    kind: 'json',
    share: 0.004,
    seeds: () => [
      jsonOf({ files: [{ name: 'a.gz', url: 'https://h.test/a', sha256: 'ab'.repeat(32) }] }),
    ],
    run: (input) =>
      refusingLater({ TrainerError: ['bad-sources'] }, () =>
        readSources(written('sources.json', input)),
      ),
  },
  {
    name: 'trainer/model-file',
    covers: [file('model-file.ts#readModelFile')],
    kind: 'bytes',
    share: 0.1,
    seeds: () => [tinyCheckpoint()],
    run(input) {
      const weights = refusing({ ModelError: MODEL_FAULTS }, () => readModelFile(TINY_SPEC, input))
      if (weights === REFUSED) return REFUSED
      const again = readModelFile(TINY_SPEC, modelFile(layoutOf(TINY_SPEC), weights))
      same(again, weights, 'is another after it was stored')
      return weights
    },
  },
  {
    name: 'trainer/imported-config',
    covers: [file('import-checkpoint.ts#importCheckpoint')],
    kind: 'json',
    share: 0.1,
    seeds: () => [
      jsonOf({ config: CONFIG, preprocessor: { image_mean: [0.5], image_std: [0.5] } }),
    ],
    run(input) {
      const given = parsed(input)
      const { config, preprocessor } = Object(given === REFUSED ? {} : given)
      return refusing({ ModelError: ['bad-spec', 'bad-manifest', ...MODEL_FAULTS] }, () =>
        importCheckpoint(
          { config, preprocessor, checkpoint: tinyCheckpointOnce() },
          { dropDistillation: true },
        ),
      )
    },
  },
  {
    name: 'trainer/timm-config',
    covers: [file('timm-plain.ts#checkPlain'), file('timm-preprocessing.ts#timmPreprocessing')],
    kind: 'json',
    seeds: () => [jsonOf(TIMM_CONFIG), jsonOf(TIMM_CONFIG.pretrained_cfg)],
    run(input) {
      const given = parsed(input)
      const documented = { ModelError: ['bad-spec'] }
      const plain = refusing(documented, () => checkPlain({ ...Object(given) }, TIMM_SHAPE))
      if (plain === REFUSED) return REFUSED
      return refusing(documented, () => timmPreprocessing(given, TIMM_SHAPE))
    },
  },
  {
    name: 'trainer/imported-weights',
    covers: [file('import-checkpoint.ts#importCheckpoint')],
    kind: 'bytes',
    share: 0.1,
    seeds: () => [tinyCheckpoint()],
    run: (checkpoint) =>
      refusing({ ModelError: MODEL_FAULTS }, () => {
        const options = { dropDistillation: checkpoint.length % 2 === 0 }
        const files = { config: CONFIG, preprocessor: undefined, checkpoint }
        return splitCheckpoint(tinyCheckpointOnce(), importCheckpoint(files, options).spec)
      }),
  },
  {
    name: 'trainer/idx-data',
    covers: [file('data/idx-data.ts#loadIdxData')],
    kind: 'bytes',
    share: 0.004,
    seeds: () => [
      Uint8Array.of(0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 2, 1, 2, 3, 4),
      Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0),
    ],
    run(input) {
      for (const split of ['train', 't10k']) {
        const packed = input[0] === 0x1f ? '.gz' : ''
        written(`${split}-images-idx3-ubyte${packed}`, input)
        written(`${split}-labels-idx1-ubyte`, Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 1, 5))
      }
      return refusingLater({ TrainerError: ['bad-data', 'missing-data'] }, () =>
        loadIdxData(scratch(), 'fuzzed'),
      )
    },
  },
  {
    name: 'trainer/cifar',
    covers: [file('data/cifar.ts#loadCifar')],
    kind: 'bytes',
    share: 0.002,
    seeds: () => [Uint8Array.of(3), Uint8Array.of(10)],
    run(input) {
      const image = new Uint8Array(3_073).fill(input[0] ?? 0)
      for (const one of [1, 2, 3, 4, 5]) written(`data_batch_${one}.bin`, image)
      written('test_batch.bin', input.length % 3 === 0 ? input : image)
      written('batches.meta.txt', 'a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n')
      return refusingLater({ TrainerError: ['bad-data', 'missing-data'] }, () =>
        loadCifar(scratch(), 'cifar-10'),
      )
    },
  },
]

let checkpoint: Uint8Array | undefined

function tinyCheckpointOnce(): Uint8Array {
  checkpoint ??= tinyCheckpoint()
  return checkpoint
}
