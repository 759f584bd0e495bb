import type { Engine, ModelSpec, Part, Tensor } from '@layerswarm/model'
import { errorText } from '../logic/wording.ts'

/** What the page asks of its own worker; both ends come from the same build. */
export type Call =
  | { readonly open: ModelSpec; readonly files: readonly (readonly [Part, Uint8Array])[] }
  | { readonly part: Part; readonly input: Tensor; readonly hop: number }
/** A call by its number. */
export type Asked = Call & { readonly id: number }
/** What the worker answers to the call of that number. */
export type Reply = { readonly id: number } & (
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
