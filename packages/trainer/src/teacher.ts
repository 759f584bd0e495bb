import { joinCheckpoint, keepsOrder, layersOf, type ModelSpec, softmax } from '@layerswarm/model'
import type { Dataset, LabelledImages } from './data/dataset.ts'
import { createPatchWriter } from './data/patches.ts'
import type { TrainEngine } from './engine/train-engine.ts'
import { TrainerError } from './errors.ts'
import { EVALUATION_BATCH_IMAGES } from './limits.ts'
import { readModelFile } from './model-file.ts'
import { createRandom } from './random.ts'
import type { Recipe } from './recipe.ts'
import { createInferenceSession } from './sessions.ts'
import type { StartModel } from './start-model.ts'

/**
 * What teachers say of training images as they are, without augmentation: probabilities averaged
 * over the teachers, and for those with layers in random order over `teacherOrders` of them.
 * @returns (count, classes); undefined where the recipe has no use for teachers.
 * @throws TrainerError `bad-recipe` when recipe and teachers do not fit each other or the data.
 */
export async function teacherTargets(
  recipe: Pick<Recipe, 'teacherShare' | 'teacherOrders' | 'seed'>,
  teachers: readonly StartModel[],
  dataset: Dataset,
  images: LabelledImages,
  engine: TrainEngine,
  signal: AbortSignal | undefined,
): Promise<Float32Array | undefined> {
  checkUse(recipe, teachers)
  if (teachers.length === 0) return undefined
  for (const { spec, isBackbone } of teachers) checkFit(spec, isBackbone, dataset)
  const sum = new Float32Array(images.count * dataset.labels.length)
  for (const teacher of teachers) {
    const isOrdered = keepsOrder(teacher.spec)
    const orders = isOrdered ? 1 : recipe.teacherOrders
    const random = createRandom(recipe.seed, 'teacher orders')
    const nextOrder = (): ArrayLike<number> =>
      isOrdered ? layersOf(teacher.spec) : random.permutation(teacher.spec.layers)
    const weight = 1 / (teachers.length * orders)
    await addProbabilities(
      teacher,
      dataset,
      images,
      engine,
      { orders, nextOrder, weight },
      sum,
      signal,
    )
  }
  return sum
}

function checkUse(
  { teacherShare }: Pick<Recipe, 'teacherShare'>,
  teachers: readonly unknown[],
): void {
  if (teacherShare > 0 && teachers.length === 0) {
    refuse(`"teacherShare" is ${teacherShare}, but no teacher is named`)
  }
  if (teacherShare === 0 && teachers.length > 0) {
    refuse('a teacher is named, but "teacherShare" is 0, which leaves it nothing to say')
  }
}

function checkFit(
  { imageSize, channels, classes }: ModelSpec,
  isBackbone: boolean,
  dataset: Dataset,
): void {
  if (isBackbone) refuse('a backbone without a classifier has nothing to teach')
  const seen = `${dataset.labels.length} classes of ${dataset.imageSize} pixels in ${dataset.channels} channels`
  if (
    imageSize !== dataset.imageSize ||
    channels !== dataset.channels ||
    classes !== dataset.labels.length
  ) {
    refuse(
      `the teacher knows ${classes} classes of ${imageSize} pixels in ${channels} channels, the data has ${seen}`,
    )
  }
}

function refuse(reason: string): never {
  throw new TrainerError({ code: 'bad-recipe', field: 'teacherShare' }, `recipe: ${reason}`)
}

interface Passes {
  readonly orders: number
  nextOrder(): ArrayLike<number>
  readonly weight: number
}

async function addProbabilities(
  { spec, parts, preprocessing }: StartModel,
  dataset: Dataset,
  images: LabelledImages,
  engine: TrainEngine,
  { orders, nextOrder, weight }: Passes,
  sum: Float32Array,
  signal: AbortSignal | undefined,
): Promise<void> {
  const weights = readModelFile(spec, joinCheckpoint(spec, parts))
  const session = await createInferenceSession(engine, spec, EVALUATION_BATCH_IMAGES, weights)
  const format = { ...dataset, ...preprocessing }
  const writer = createPatchWriter(format, spec.patchSize, { shift: 0, flip: 0, erase: 0 })
  const shape = [EVALUATION_BATCH_IMAGES, spec.classes]
  try {
    for (let start = 0; start < images.count; start += EVALUATION_BATCH_IMAGES) {
      signal?.throwIfAborted()
      const rows = Math.min(EVALUATION_BATCH_IMAGES, images.count - start)
      for (let row = 0; row < rows; row++) writer.write(session.patches, row, images, start + row)
      for (let pass = 0; pass < orders; pass++) {
        const { data } = softmax({ shape, data: await session.run(nextOrder()) })
        const from = start * spec.classes
        for (let i = 0; i < rows * spec.classes; i++) {
          sum[from + i] = (sum[from + i] as number) + weight * (data[i] as number)
        }
      }
    }
  } finally {
    await session.close()
  }
}
