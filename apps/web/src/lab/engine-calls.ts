import type { Engine, ModelSpec, Part, Tensor } from '@layerswarm/model'
import { errorText } from '../logic/wording.ts'
import type { LabEngine } from './lab-compute.ts'

/** What the page asks of its own worker; both ends come from the same build. */
type Call =
  | { readonly open: ModelSpec; readonly files: readonly (readonly [Part, Uint8Array])[] }
  | { readonly part: Part; readonly input: Tensor; readonly hop: number }
type Asked = Call & { readonly id: number }
type Reply = { readonly id: number } & (
  | { readonly output: Tensor | undefined }
  | { readonly error: string }
)

/** The two ends of a worker that are used here. */
interface Port {
  postMessage(message: unknown): void
  onmessage: ((event: MessageEvent) => void) | null
}

/** Answers calls one after the other, in the order in which they come. */
export function serveEngine(port: Port, createEngine: (spec: ModelSpec) => Engine): void {
  let engine: Engine | undefined
  let last: Promise<void> = Promise.resolve()

  async function perform(call: Call): Promise<Tensor | undefined> {
    if ('open' in call) {
      engine = createEngine(call.open)
      for (const [part, file] of call.files) await engine.load(part, file)
      return undefined
    }
    return engine?.run(call.part, call.input, call.hop)
  }

  async function answer(asked: Asked): Promise<void> {
    const { id } = asked
    try {
      port.postMessage({ id, output: await perform(asked) } satisfies Reply)
    } catch (error) {
      port.postMessage({ id, error: errorText(error) } satisfies Reply)
    }
  }

  port.onmessage = ({ data }: MessageEvent<Asked>) => {
    last = last.then(() => answer(data))
  }
}

/** An engine in a worker, with every part of a model loaded. */
export interface WorkerEngine extends LabEngine {
  close(): void
}

/** @throws Error with one line when the worker does not start or refuses a part. */
export async function openWorkerEngine(
  spec: ModelSpec,
  files: ReadonlyMap<Part, Uint8Array>,
): Promise<WorkerEngine> {
  const worker = new Worker(new URL('./engine.worker.js', import.meta.url), { type: 'module' })
  const waiting = new Map<
    number,
    { resolve(output: Tensor | undefined): void; reject(error: Error): void }
  >()
  let calls = 0

  function call(what: Call): Promise<Tensor | undefined> {
    const id = ++calls
    return new Promise((resolve, reject) => {
      waiting.set(id, { resolve, reject })
      worker.postMessage({ id, ...what } satisfies Asked)
    })
  }

  worker.onmessage = ({ data: reply }: MessageEvent<Reply>) => {
    const asked = waiting.get(reply.id)
    waiting.delete(reply.id)
    if ('error' in reply) asked?.reject(new Error(reply.error))
    else asked?.resolve(reply.output)
  }
  worker.onerror = () => {
    for (const { reject } of waiting.values()) reject(new Error('The lab’s worker stopped.'))
    waiting.clear()
  }
  await call({ open: spec, files: [...files] })
  return {
    async run(part, input, hop) {
      const output = await call({ part, input, hop })
      if (output === undefined) throw new Error('The lab’s worker has no model.')
      return output
    },
    close: () => worker.terminate(),
  }
}
