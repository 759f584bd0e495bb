import { totalmem } from 'node:os'
import { join } from 'node:path'
import type { ModelSpec } from '@layerswarm/model'
import { createOptimizerState, gradientNorm, type OptimizerState } from './adamw.ts'
import { type BatchPasses, createBatchPasses } from './batch-passes.ts'
import {
  type CheckpointOf,
  type CurvePoint,
  type Progress,
  readCheckpoint,
  writeCheckpoint,
} from './checkpoint.ts'
import { type Dataset, type LabelledImages, sliceImages } from './data/dataset.ts'
import { foregroundOfDataset } from './data/foreground.ts'
import { FASHION_MNIST_DIR } from './data/idx-data.ts'
import { type LearnedData, learnedDataOf } from './data/learned-data.ts'
import { type LoadOptions, loadDataset } from './data/load-dataset.ts'
import { createSampler, type Sampler } from './data/sampler.ts'
import { openEngine } from './engine/open-engine.ts'
import type { EngineName, TrainEngine } from './engine/train-engine.ts'
import { TrainerError } from './errors.ts'
import { createEvaluator, type Evaluator } from './evaluate.ts'
import { checkBatches, checkMemory } from './fit.ts'
import { drawPlan } from './layer-order.ts'
import {
  CHECKPOINT_INTERVAL_SECONDS_MAX,
  CURVE_SEEDS,
  HELD_OUT_IMAGES_MAX,
  LOSS_AVERAGE_SHARE,
  OUTPUT_BYTES_PER_PARAMETER,
  REPORT_SEEDS,
} from './limits.ts'
import { createOptimizer, type Optimizer } from './optimizer.ts'
import { originOf } from './origin.ts'
import { openOutputFolder } from './output-folder.ts'
import { layoutOf, type ParameterLayout } from './parameters.ts'
import { keptPatchesOf } from './patch-selection.ts'
import { createRandom, type RandomStream } from './random.ts'
import { type Recipe, specOf, stepsOf } from './recipe.ts'
import type { TrainReport } from './report.ts'
import { CHECKPOINT_FILE, refuseOtherData, resumeCommand } from './resumption.ts'
import { learningRateAt, type Schedule } from './schedule.ts'
import { copySharedLayers } from './shared-layers.ts'
import { checkStart, fineTunedSpec, type StartModel, startParameters } from './start-model.ts'
import { createStopwatch, type Stopwatch } from './stopwatch.ts'
import { teacherTargets } from './teacher.ts'
import { unlessAborted } from './unless-aborted.ts'
import { writeResult } from './write-result.ts'

/** How a training stands. */
export interface TrainProgress {
  readonly step: number
  readonly steps: number
  readonly images: number
  /** Moving average of the training loss. */
  readonly loss: number
  readonly learningRate: number
  /** Since the start or the resumption. */
  readonly imagesPerSecond: number
  readonly etaSeconds: number
  /** Training images that it is watched by: none where there are fewer than ten. */
  readonly heldOutImages: number
  /** Set when the held-out images have just been evaluated. */
  readonly evaluation?: CurvePoint
}

/** Where a training reads and writes, and how often it says so. */
export interface TrainOptions {
  /**
   * Receives checkpoint.safetensors and, at the end, model.safetensors, recipe.json, report.json
   * and train-report.html.
   */
  readonly outDir: string
  /** Folder of a data set, as `loadDataset` reads it. */
  readonly dataDir: string
  /** A model to begin with instead of fresh weights. */
  readonly from?: StartModel | undefined
  /** Models whose averaged probabilities are `teacherShare` of the targets. */
  readonly teachers: readonly StartModel[]
  /** How pictures are read, for a folder of them. */
  readonly pictures?: LoadOptions['pictures']
  /**
   * Stops with a checkpoint of the steps that are done, and gives up what is under way; `train`
   * then throws `stopped`.
   */
  readonly signal?: AbortSignal | undefined
  /** What computes; by default a graphics card where there is one, else the processor. */
  readonly engine?: EngineName | undefined
  /** Threads of the processor instead of the recipe's; results do not depend on it. */
  readonly threads?: number | undefined
  readonly onProgress: (progress: TrainProgress) => void
  /** Continues from the checkpoint in `outDir`, with the same data. */
  readonly resume: boolean
  /**
   * The words of the command line after `train`, but for `--out` and `--resume`: the checkpoint keeps
   * them, and whatever says how to go on repeats them. None for a training of a program.
   */
  readonly words: readonly string[]
  /** How often `onProgress` is called. */
  readonly progressEverySteps: number
  /** How often the held-out images are run. */
  readonly evaluateEverySteps: number
  /** How often a checkpoint is written, and oftener where steps are slow. */
  readonly checkpointEverySteps: number
}

/** Fashion-MNIST from the beginning; what is left out is decided by the machine. */
export const TRAIN_DEFAULTS = Object.freeze({
  dataDir: FASHION_MNIST_DIR,
  teachers: [],
  onProgress: () => {},
  resume: false,
  words: [],
  progressEverySteps: 50,
  evaluateEverySteps: 1000,
  checkpointEverySteps: 1000,
} satisfies Partial<TrainOptions>)

/** Everything one training holds. */
interface Training extends CheckpointOf {
  readonly spec: ModelSpec
  readonly options: TrainOptions
  readonly layout: ParameterLayout
  readonly state: OptimizerState
  readonly sampler: Sampler
  readonly orders: RandomStream
  readonly engine: TrainEngine
  readonly passes: BatchPasses
  readonly optimizer: Optimizer
  readonly evaluator: Evaluator
  readonly heldOut: LabelledImages
  readonly stopwatch: Stopwatch
  readonly checkpoint: string
  step: number
  /** Moving average of the losses; 0 before the first step. */
  loss: number
  readonly curve: CurvePoint[]
  /** Ends when nothing of what was last waited for is under way any more. */
  givenUp: Promise<void>
}

/**
 * Trains a model by a recipe: every forward pass of a `shuffle` recipe applies the layers in an
 * order of its own (arXiv 2407.04513). The same recipe, data and software give the same weights,
 * with or without stops in between.
 * @returns the report, which is also written to `outDir` with the averaged weights.
 * @throws TrainerError `missing-data`, `bad-data`, `cannot-write`, `no-engine`,
 * `missing-checkpoint`, `bad-checkpoint`, `not-finite` naming the step, `stopped` after the signal;
 * ModelError `bad-spec`.
 */
export async function train(
  recipe: Recipe,
  options: Pick<TrainOptions, 'outDir'> & Partial<TrainOptions>,
): Promise<TrainReport> {
  const chosen: TrainOptions = { ...TRAIN_DEFAULTS, ...options }
  // First, since it fails where something is not installed; reading data may take minutes.
  const engine = await openEngine(chosen.engine, chosen.threads ?? recipe.threads)
  const loaded = await loadDataset(chosen.dataDir, chosen)
  const foreground = foregroundOfDataset(loaded)
  const dataset = { ...loaded, foreground, ...chosen.from?.preprocessing }
  const data = learnedDataOf(dataset)
  if (chosen.resume) await refuseOtherData(chosen.outDir, data)
  checkStart(recipe, loaded, chosen.from)
  const training = await prepare(recipe, chosen, dataset, data, engine)
  try {
    await runSteps(training)
    const evaluated = await heard(training, (signal) =>
      training.evaluator.evaluate(dataset.test, REPORT_SEEDS, signal),
    )
    return await writeResult(chosen.outDir, {
      recipe,
      origin: training.origin,
      spec: training.spec,
      dataset,
      layout: training.layout,
      weights: training.state.ema,
      progress: progressOf(training),
      accuracies: evaluated,
      engine: training.engine.device,
    })
  } catch (error) {
    if (!isGivenUp(training, error)) throw error
    throw stoppedAfter(training)
  } finally {
    const closed = training.givenUp.then(() => close(training))
    // A large model may take minutes for what was given up: whoever stopped it does not wait.
    if (chosen.signal?.aborted === true) closed.catch(() => undefined)
    else await closed
  }
}

async function close({ passes, optimizer, evaluator, engine }: Training): Promise<void> {
  await passes.close()
  await optimizer.close()
  await evaluator.close()
  await engine.close()
}

/** Whether an error is the signal's, and not one of the training. */
function isGivenUp({ options: { signal } }: Training, error: unknown): boolean {
  return signal?.aborted === true && error === signal.reason
}

/** Waits for something that the signal gives up; it ends by itself before anything is closed. */
function heard<T>(
  training: Training,
  begin: (signal: AbortSignal | undefined) => Promise<T>,
): Promise<T> {
  const { signal } = training.options
  const running = begin(signal)
  training.givenUp = running.then(
    () => undefined,
    () => undefined,
  )
  return unlessAborted(running, signal)
}

function stoppedAfter({ recipe, step, words, options }: Training): TrainerError {
  return new TrainerError(
    { code: 'stopped', step },
    `stopped after step ${step} of ${stepsOf(recipe)}; go on with: ${resumeCommand(words, options.outDir)}`,
  )
}

async function prepare(
  recipe: Recipe,
  options: TrainOptions,
  dataset: Dataset,
  data: LearnedData,
  engine: TrainEngine,
): Promise<Training> {
  const spec = fineTunedSpec(specOf(recipe, dataset), options.from)
  const layout = layoutOf(spec)
  checkMemory(spec, layout, totalmem())
  const parameters = startParameters(layout, options.from, createRandom(recipe.seed, 'weights'))
  copySharedLayers(layout, parameters, recipe.distinctLayers)
  const state = createOptimizerState(parameters)
  const { train } = dataset
  const kept = train.count - Math.min(HELD_OUT_IMAGES_MAX, Math.floor(train.count / 10))
  checkBatches(recipe, spec, kept)
  await openOutputFolder(options.outDir, layout.elements * OUTPUT_BYTES_PER_PARAMETER)
  const drawn = sliceImages(train, 0, kept)
  const { teachers, signal } = options
  const taught = await teacherTargets(recipe, teachers, dataset, drawn, engine, signal)
  const sampler = createSampler(recipe, dataset, drawn, taught)
  const orders = createRandom(recipe.seed, 'orders')
  const origin = originOf(options.from, teachers)
  const checkpoint = join(options.outDir, CHECKPOINT_FILE)
  const resumed = options.resume
    ? await readCheckpoint(checkpoint, { recipe, origin }, state)
    : undefined
  if (resumed !== undefined) {
    sampler.restore(resumed)
    orders.restore(resumed.orders)
  }
  const threads = options.threads ?? recipe.threads
  return {
    ...{ recipe, origin, data, words: options.words },
    spec,
    options,
    layout,
    state,
    sampler,
    orders,
    engine,
    passes: createBatchPasses(engine, spec, recipe, state.parameters),
    optimizer: await createOptimizer({ ...recipe, threads }, layout, state),
    evaluator: await createEvaluator(spec, state.ema, dataset, engine),
    heldOut: sliceImages(train, kept, train.count),
    stopwatch: createStopwatch(resumed),
    checkpoint,
    step: resumed?.step ?? 0,
    loss: resumed?.loss ?? 0,
    curve: [...(resumed?.curve ?? [])],
    givenUp: Promise.resolve(),
  }
}

type Save = (progress?: Progress) => Promise<void>

async function runSteps(training: Training): Promise<void> {
  const { recipe, options, state, checkpoint, stopwatch } = training
  const steps = stepsOf(recipe)
  const first = training.step
  let savedSeconds = 0
  const save: Save = (progress = progressOf(training)) =>
    writeCheckpoint(checkpoint, training, state, progress)
  await evaluateWhatWasDue(training)
  while (training.step < steps) {
    if (options.signal?.aborted === true) {
      await save()
      throw stoppedAfter(training)
    }
    const evaluation = await advance(training, save)
    const isOverdue = stopwatch.secondsOfThisRun() - savedSeconds > CHECKPOINT_INTERVAL_SECONDS_MAX
    if (isDue(training, options.checkpointEverySteps) || isOverdue) {
      await save()
      savedSeconds = stopwatch.secondsOfThisRun()
    }
    if (evaluation !== undefined || isDue(training, options.progressEverySteps)) {
      reportProgress(training, first, evaluation)
    }
  }
}

function isDue({ step, recipe }: Training, everySteps: number): boolean {
  return step % everySteps === 0 || step === stepsOf(recipe)
}

/** One step and what is measured after it; what is given up leaves the checkpoint of a whole step. */
async function advance(training: Training, save: Save): Promise<CurvePoint | undefined> {
  const before = progressOf(training)
  try {
    await runStep(training)
    return isDue(training, training.options.evaluateEverySteps)
      ? await evaluateHeldOut(training)
      : undefined
  } catch (error) {
    // What was drawn for a step that was given up is drawn again.
    if (isGivenUp(training, error)) await save(training.step > before.step ? undefined : before)
    throw error
  }
}

/** A training that was stopped between a step and the measurement after it begins with that. */
async function evaluateWhatWasDue(training: Training): Promise<void> {
  const { step, curve, options } = training
  if (step === 0 || !isDue(training, options.evaluateEverySteps)) return
  if (curve.at(-1)?.step !== step) await evaluateHeldOut(training)
}

/** One batch: forward, backward, update. */
async function runStep(training: Training): Promise<void> {
  const { recipe, spec, passes } = training
  const step = training.step + 1
  training.sampler.fill(passes.patches, passes.targets)
  const plans = Array.from({ length: recipe.orders }, () => drawPlan(spec, recipe, training.orders))
  const { loss, gradients, order } = await heard(training, () =>
    passes.run(plans, keptPatchesOf(recipe, spec, step)),
  )
  if (!Number.isFinite(loss) || !Number.isFinite(gradientNorm(gradients))) {
    throw new TrainerError(
      { code: 'not-finite', step },
      `step ${step}: the loss or a gradient is not finite; lower "learningRate" and start again`,
    )
  }
  await training.optimizer.step(gradients, order, step)
  copySharedLayers(training.layout, training.state.parameters, recipe.distinctLayers)
  copySharedLayers(training.layout, training.state.ema, recipe.distinctLayers)
  training.loss =
    training.step === 0 ? loss : training.loss + LOSS_AVERAGE_SHARE * (loss - training.loss)
  training.step = step
}

function scheduleOf(recipe: Recipe): Schedule {
  return { ...recipe, steps: stepsOf(recipe) }
}

/** @returns undefined where nothing is held out. */
async function evaluateHeldOut(training: Training): Promise<CurvePoint | undefined> {
  const { step, loss, recipe, curve, evaluator, heldOut } = training
  if (heldOut.count === 0) return undefined
  const { sequential, arbitrary } = await heard(training, (signal) =>
    evaluator.evaluate(heldOut, CURVE_SEEDS, signal),
  )
  const point = { step, images: step * recipe.batch, loss, sequential, arbitrary: arbitrary.mean }
  curve.push(point)
  return point
}

function reportProgress(
  { recipe, step, loss, options, stopwatch, heldOut }: Training,
  first: number,
  evaluation: CurvePoint | undefined,
): void {
  const steps = stepsOf(recipe)
  const secondsPerStep = stopwatch.secondsOfThisRun() / (step - first)
  options.onProgress({
    step,
    steps,
    images: step * recipe.batch,
    loss,
    learningRate: learningRateAt(step, scheduleOf(recipe)),
    imagesPerSecond: recipe.batch / secondsPerStep,
    etaSeconds: secondsPerStep * (steps - step),
    heldOutImages: heldOut.count,
    ...(evaluation === undefined ? {} : { evaluation }),
  })
}

function progressOf({ step, loss, curve, sampler, orders, stopwatch }: Training): Progress {
  return { step, loss, curve, ...sampler.state(), orders: orders.state(), ...stopwatch.seconds() }
}
