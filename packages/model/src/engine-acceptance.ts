import type { CreateEngine, Engine } from './engine.ts'
import { ModelError } from './errors.ts'
import { forward } from './forward.ts'
import type { PartDtype } from './part-file.ts'
import { inputShapeOf } from './part-input.ts'
import { randomModel, randomTensor } from './random-model.ts'
import { createReferenceEngine } from './reference.ts'
import { type ModelSpec, type Part, partsOf, VARIANTS, type Variant } from './spec.ts'
import { relativeL2, type Tensor } from './tensor.ts'

/** How exactly an engine must agree with the reference. */
export interface AcceptanceOptions {
  /** Largest relative L2 distance to the reference that passes. */
  readonly tolerance: number
}

/** float32 on any backend: GPUs reach about 1e-5 on one part. */
export const ACCEPTANCE_DEFAULTS: AcceptanceOptions = Object.freeze({ tolerance: 1e-4 })

/** One thing that every engine does. `run` rejects with an error of one line when it does not. */
export interface AcceptanceCase {
  readonly name: string
  readonly run: () => Promise<void>
}

// Every size differs, so that a mixed-up axis shows; two channels, so that their order shows.
const SPEC: Omit<ModelSpec, 'variant'> = {
  imageSize: 12,
  patchSize: 4,
  channels: 2,
  width: 24,
  layers: 3,
  heads: 3,
  mlpWidth: 40,
  classes: 5,
  layerNormEps: 1e-6,
}

/** One image computed alone or among others: rounding may differ by the order of summation, no more. */
const BATCH_TOLERANCE = 1e-6

/**
 * What every engine must pass, without a test framework so that it also runs on a page: the cases
 * to run one after the other, each with engines of its own that it closes.
 */
export function engineAcceptance(
  createEngine: CreateEngine,
  options: Partial<AcceptanceOptions> = {},
): AcceptanceCase[] {
  const { tolerance } = { ...ACCEPTANCE_DEFAULTS, ...options }

  /** A case with a loaded engine of some variant. */
  const withEngine = (
    name: string,
    check: (bench: Bench) => Promise<void>,
    variant: Variant = 'shuffle',
    dtype: PartDtype = 'F32',
  ): AcceptanceCase => ({
    name,
    run: async () => {
      const spec = { ...SPEC, variant }
      const files = randomModel(spec, 7, dtype)
      const engine = await createEngine(spec)
      try {
        for (const [part, file] of files) await engine.load(part, file)
        await check({ spec, files, engine, tolerance })
      } finally {
        await engine.close()
      }
    },
  })

  return [
    ...VARIANTS.map((variant) =>
      withEngine(`every part of a ${variant} model agrees with the reference`, agrees, variant),
    ),
    withEngine('parts stored as float16 agree with the reference', agrees, 'position', 'F16'),
    withEngine('layers stored as int8 agree with the reference', agrees, 'position', 'I8'),
    withEngine('layers stored as int4 agree with the reference', agrees, 'position', 'I4'),
    withEngine('a whole forward pass agrees with the reference', agreesInOrder, 'position'),
    withEngine('the hop changes what a position layer computes', usesHop, 'position'),
    withEngine('an image gives the same among others as alone', keepsImagesApart),
    withEngine('runs that overlap all give their own result', overlaps),
    withEngine('the input is left as it was', leavesInput),
    withEngine('inputs of a wrong shape are refused', refusesShapes),
    withEngine('a hop beyond the layers is refused', refusesHops, 'position'),
    withEngine('damaged and foreign files are refused on load', refusesFiles),
    withEngine('loading a part again replaces it', replaces),
    withEngine('an unloaded part is forgotten', forgets),
    withEngine('a closed engine refuses to run', refusesWhenClosed),
    {
      name: 'a part that was never loaded is refused',
      run: async () => {
        const engine = await createEngine({ ...SPEC, variant: 'shuffle' })
        try {
          const input = randomInput({ ...SPEC, variant: 'shuffle' }, 0, 1)
          await rejects('not-loaded', () => engine.run(0, input, 0))
        } finally {
          await engine.close()
        }
      },
    },
  ]
}

interface Bench {
  readonly spec: ModelSpec
  readonly files: ReadonlyMap<Part, Uint8Array>
  /** Has loaded every file. */
  readonly engine: Engine
  readonly tolerance: number
}

function randomInput(spec: ModelSpec, part: Part, batch: number, seed = 11): Tensor {
  return randomTensor([batch, ...inputShapeOf(spec, part)], seed)
}

function fileOf({ files }: Bench, part: Part): Uint8Array {
  return files.get(part) ?? new Uint8Array()
}

async function loadedReference({ spec, files }: Bench): Promise<Engine> {
  const reference = createReferenceEngine(spec)
  for (const [part, file] of files) await reference.load(part, file)
  return reference
}

function expectClose(what: string, actual: Tensor, expected: Tensor, tolerance: number): void {
  if (actual.shape.join() !== expected.shape.join()) {
    throw new Error(`${what}: shape [${actual.shape}], expected [${expected.shape}]`)
  }
  const distance = relativeL2(actual.data, expected.data)
  // Negated, so that NaN fails too.
  if (!(distance < tolerance)) {
    throw new Error(`${what}: relative distance ${distance}, allowed ${tolerance}`)
  }
}

/** Passes when `action` rejects with a ModelError of one of these codes; any rejection for `any`. */
async function rejects(codes: string, action: () => Promise<unknown>): Promise<void> {
  let result: unknown
  try {
    result = await action()
  } catch (error) {
    const code = error instanceof ModelError ? error.code : 'no ModelError'
    if (codes === 'any' || codes.split(' ').includes(code)) return
    throw new Error(`rejected with ${code} (${String(error)}), expected ${codes}`)
  }
  throw new Error(`resolved with ${typeof result}, expected a rejection with ${codes}`)
}

async function agrees(bench: Bench): Promise<void> {
  const { spec, engine, tolerance } = bench
  const reference = await loadedReference(bench)
  for (const part of partsOf(spec)) {
    for (const batch of [1, 3]) {
      const input = randomInput(spec, part, batch)
      const hop = spec.layers - 1
      const expected = await reference.run(part, input, hop)
      const actual = await engine.run(part, input, hop)
      expectClose(`part ${part}, ${batch} image(s)`, actual, expected, tolerance)
    }
  }
}

async function agreesInOrder(bench: Bench): Promise<void> {
  const { spec, engine, tolerance } = bench
  const reference = await loadedReference(bench)
  const images = randomInput(spec, 'stem', 2)
  for (const order of [[0, 1, 2], [2, 0, 1], [1], []]) {
    const expected = await forward(reference, spec, images, order)
    const actual = await forward(engine, spec, images, order)
    expectClose(`order [${order}]`, actual, expected, tolerance)
  }
}

async function usesHop({ spec, engine }: Bench): Promise<void> {
  const input = randomInput(spec, 0, 1)
  const first = await engine.run(0, input, 0)
  const last = await engine.run(0, input, spec.layers - 1)
  const distance = relativeL2(first.data, last.data)
  if (!(distance > 1e-3))
    throw new Error(`hops 0 and ${spec.layers - 1} differ by ${distance} only`)
}

async function keepsImagesApart({ spec, engine }: Bench): Promise<void> {
  for (const part of partsOf(spec)) {
    const input = randomInput(spec, part, 3)
    const together = await engine.run(part, input, 1)
    for (const image of [0, 1, 2]) {
      const alone = await engine.run(part, imageOf(input, image), 1)
      expectClose(`part ${part}, image ${image}`, imageOf(together, image), alone, BATCH_TOLERANCE)
    }
  }
}

/** One image of a batch, as a batch of one. */
function imageOf({ shape: [batch = 1, ...shape], data }: Tensor, image: number): Tensor {
  const values = data.length / batch
  return { shape: [1, ...shape], data: data.slice(image * values, (image + 1) * values) }
}

async function overlaps({ spec, engine }: Bench): Promise<void> {
  const runs = Array.from({ length: 12 }, (_, at) => ({
    part: at % spec.layers,
    input: randomInput(spec, 0, 1 + (at % 2), 100 + at),
  }))
  const expected: Tensor[] = []
  for (const { part, input } of runs) expected.push(await engine.run(part, input, 0))
  const actual = await Promise.all(runs.map(({ part, input }) => engine.run(part, input, 0)))
  for (const [at, tensor] of actual.entries()) {
    expectClose(`overlapping run ${at}`, tensor, expected[at] as Tensor, BATCH_TOLERANCE)
  }
}

async function leavesInput({ spec, engine }: Bench): Promise<void> {
  for (const part of partsOf(spec)) {
    const input = randomInput(spec, part, 1)
    await engine.run(part, input, 0)
    expectClose(`input of part ${part}`, input, randomInput(spec, part, 1), Number.MIN_VALUE)
  }
}

async function refusesShapes({ spec, engine }: Bench): Promise<void> {
  for (const part of partsOf(spec)) {
    const right = inputShapeOf(spec, part)
    const last = right.at(-1) ?? 0
    const wrong = [right, [0, ...right], [1, ...right.slice(0, -1), last + 1], [1, 1, ...right]]
    for (const shape of wrong) {
      await rejects('bad-shape', () => engine.run(part, randomTensor(shape, 1), 0))
    }
    const short = { shape: [1, ...right], data: new Float32Array(3) }
    await rejects('bad-shape', () => engine.run(part, short, 0))
  }
}

async function refusesHops({ spec, engine }: Bench): Promise<void> {
  const input = randomInput(spec, 0, 1)
  for (const hop of [-1, spec.layers, 0.5, Number.NaN]) {
    await rejects('bad-shape', () => engine.run(0, input, hop))
  }
}

async function refusesFiles(bench: Bench): Promise<void> {
  const { engine } = bench
  const file = fileOf(bench, 0)
  for (const length of [0, 7, 100, file.length - 1]) {
    await rejects('bad-safetensors', () => engine.load(0, file.subarray(0, length)))
  }
  await rejects('missing-tensor', () => engine.load(0, fileOf(bench, 'head')))
  const wider = randomModel({ ...bench.spec, width: 27 }, 1).get(0) ?? new Uint8Array()
  await rejects('bad-shape', () => engine.load(0, wider))
}

async function replaces(bench: Bench): Promise<void> {
  const { spec, engine } = bench
  const input = randomInput(spec, 0, 1)
  const expected = await engine.run(1, input, 0)
  await engine.load(0, fileOf(bench, 1))
  expectClose('the replaced part', await engine.run(0, input, 0), expected, BATCH_TOLERANCE)
}

async function forgets({ spec, engine }: Bench): Promise<void> {
  const input = randomInput(spec, 0, 1)
  await engine.unload(0)
  await engine.unload(0) // unknown by now, and ignored
  await rejects('not-loaded', () => engine.run(0, input, 0))
  await engine.run(1, input, 0)
}

async function refusesWhenClosed({ spec, engine }: Bench): Promise<void> {
  await engine.close()
  await rejects('any', () => engine.run(0, randomInput(spec, 0, 1), 0))
}
