import {
  type ActivationDtype,
  activationBytes,
  checkActivationShape,
  checkPart,
  decodeActivation,
  elementsOf,
  encodeActivation,
  ModelError,
  type ModelSpec,
  type Part,
  partGraph,
  partName,
  partsOf,
  type Tensor,
} from '@layerswarm/model'
import type * as ort from 'onnxruntime-node'
import { loadOrtNode, type OrtNode } from '../engine/native-runtime.ts'
import type { PartFiles } from '../model-file.ts'
import type { RandomStream } from '../random.ts'

/** One model, ready to run any of its layers in any order. Batches are (B, …). */
export interface ModelRunner {
  readonly spec: ModelSpec
  /** Images (B, channels, H, W) → tokens (B, T, C). */
  embed(images: Tensor): Promise<Tensor>
  /** Tokens (B, T, C) → tokens (B, T, C). @param hop the position, from 0, in which the layer is applied. */
  apply(layer: number, tokens: Tensor, hop: number): Promise<Tensor>
  /** Tokens (B, T, C) → logits (B, classes). */
  classify(tokens: Tensor): Promise<Tensor>
  close(): Promise<void>
}

/** The name under which a session finds the bytes of its part. */
const WEIGHTS_FILE = 'part.safetensors'

/**
 * Opens one session of onnxruntime-node per part. Sessions run one after the other.
 * @throws ModelError when a part is missing or does not fit the spec.
 * @throws TrainerError `no-engine` where onnxruntime-node is not installed.
 */
export async function createModelRunner(
  spec: ModelSpec,
  files: PartFiles,
  threads: number,
): Promise<ModelRunner> {
  const runtime = await loadOrtNode()
  const sessions = new Map<Part, ort.InferenceSession>()
  for (const part of partsOf(spec)) {
    sessions.set(part, await openPart(runtime, spec, part, files.get(part), threads))
  }

  async function run(part: Part, input: Tensor, hop: number): Promise<Tensor> {
    const x = new runtime.Tensor('float32', input.data, input.shape)
    const takesHop = typeof part === 'number' && spec.variant === 'position'
    const feeds: Record<string, ort.Tensor> = takesHop
      ? { x, hop: new runtime.Tensor('int64', BigInt64Array.of(BigInt(hop)), [1]) }
      : { x }
    const { y } = (await sessions.get(part)?.run(feeds)) ?? {}
    if (!(y?.data instanceof Float32Array) || y.data.length !== elementsOf(y.dims)) {
      throw new ModelError(
        { code: 'bad-shape', what: 'output' },
        `${partName(part)} gave no values`,
      )
    }
    return { shape: y.dims, data: y.data }
  }

  return {
    spec,
    embed: (images) => run('stem', images, 0),
    apply: run,
    classify: (tokens) => run('head', tokens, 0),
    async close() {
      for (const session of sessions.values()) await session.release()
      sessions.clear()
    },
  }
}

/** Opens a model, uses it and closes it, whatever comes of that. @throws as `createModelRunner`. */
export async function withModelRunner<R>(
  { spec, parts }: { readonly spec: ModelSpec; readonly parts: PartFiles },
  threads: number,
  use: (runner: ModelRunner) => Promise<R>,
): Promise<R> {
  const runner = await createModelRunner(spec, parts, threads)
  try {
    return await use(runner)
  } finally {
    await runner.close()
  }
}

async function openPart(
  runtime: OrtNode,
  spec: ModelSpec,
  part: Part,
  file: Uint8Array | undefined,
  threads: number,
): Promise<ort.InferenceSession> {
  if (file === undefined) {
    throw new ModelError(
      { code: 'not-loaded', part: String(part) },
      `the file of ${partName(part)} is missing`,
    )
  }
  // Copied, because a runtime may keep the memory and the file stays the caller's.
  const data = Uint8Array.from(file)
  const layout = { file: WEIGHTS_FILE, tensors: checkPart(spec, part, data) }
  return runtime.InferenceSession.create(partGraph(spec, part, layout), {
    executionProviders: ['cpu'],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    externalData: [{ path: WEIGHTS_FILE, data }],
    // Spinning threads take the time of whoever shares the processor.
    extra: { session: { intra_op: { allow_spinning: '0' } } },
    logSeverityLevel: 3,
  })
}

/** Applies layers one after the other. @returns logits (B, classes). */
export async function runOrder(
  runner: ModelRunner,
  tokens: Tensor,
  order: ArrayLike<number>,
): Promise<Tensor> {
  let x = tokens
  for (let hop = 0; hop < order.length; hop++) x = await runner.apply(order[hop] as number, x, hop)
  return runner.classify(x)
}

/**
 * Stem and head of one model; every layer that is applied is that of one of the hosts, drawn anew.
 * @returns a runner that its caller need not close: the sessions are those of the others.
 */
export function drawnAmong(
  own: ModelRunner,
  hosts: readonly ModelRunner[],
  draws: RandomStream,
): ModelRunner {
  return {
    ...own,
    apply(layer, tokens, hop) {
      const host = hosts[draws.below(hosts.length)] ?? own
      return host.apply(layer, tokens, hop)
    },
    close: async () => {},
  }
}

/** What there is after each layer of an order. */
export interface Step {
  /** Layers applied so far; that with k of them is the model with k random ones left. */
  readonly applied: number
  readonly layer: number
  /** (B, T, C) */
  readonly tokens: Tensor
  /** (B, classes) */
  readonly logits: Tensor
}

/** Applies layers one after the other, with the answer after each. */
export async function* stepsOf(
  runner: ModelRunner,
  tokens: Tensor,
  order: ArrayLike<number>,
): AsyncGenerator<Step> {
  let x = tokens
  for (let hop = 0; hop < order.length; hop++) {
    const layer = order[hop] as number
    x = await runner.apply(layer, x, hop)
    yield { applied: hop + 1, layer, tokens: x, logits: await runner.classify(x) }
  }
}

/**
 * The same with every activation encoded and decoded on its way to the next layer and to the
 * head, as it travels in a swarm.
 */
export async function runOrderOverWire(
  runner: ModelRunner,
  tokens: Tensor,
  order: ArrayLike<number>,
  dtype: ActivationDtype,
): Promise<Tensor> {
  let x = sent(tokens, dtype)
  for (let hop = 0; hop < order.length; hop++) {
    x = sent(await runner.apply(order[hop] as number, x, hop), dtype)
  }
  return runner.classify(x)
}

function sent(tokens: Tensor, dtype: ActivationDtype): Tensor {
  return decodeActivation(encodeActivation(tokens, dtype))
}

/** Bytes that the activation of one image takes on the wire. */
export function wireBytes(dtype: ActivationDtype, tokens: Tensor): number {
  const [, count = 1, width = 1] = tokens.shape
  return activationBytes(dtype, checkActivationShape([1, count, width]))
}
