import fc from 'fast-check'
import { INPUT_BYTES_MAX } from './limits.ts'
import { createDice, mutated } from './mutate.ts'
import { encode, execute, Finding, type Target } from './target.ts'

/** How a decoder's properties are tried. */
export interface PropertyOptions {
  readonly cases: number
  readonly seed: number
  /** Inputs from the corpus beside the target's own. */
  readonly corpus?: readonly Uint8Array[]
}

/**
 * Tries that a decoder gives a value or a documented error, in bounded time and room, for any bytes, any
 * JSON, and valid inputs that were changed; and what the target holds of its values.
 * @returns of how many cases came a value. @throws Error of fast-check with the smallest input that was found.
 */
export async function checkProperties(target: Target, options: PropertyOptions): Promise<number> {
  const inputs = [...target.seeds(), ...(options.corpus ?? [])]
  let values = 0
  const property = fc.asyncProperty(anyInput(target, inputs), async (input) => {
    if (await execute(target, input)) values++
  })
  const { cases, seed } = options
  // A case is a case: what a shrinking run tries beside them is not counted.
  const numRuns = Math.max(1, Math.round(cases))
  const details = await fc.check(property, { numRuns, seed, endOnFailure: false })
  if (!details.failed) return values
  const [input] = details.counterexample ?? []
  const { errorInstance: error } = details
  throw new Finding(
    target.name,
    input ?? new Uint8Array(),
    error instanceof Finding ? error.kind : String(error),
    error instanceof Error ? (error.cause ?? error) : error,
  )
}

function anyInput(target: Target, inputs: readonly Uint8Array[]): fc.Arbitrary<Uint8Array> {
  const { kind, bytesMax = INPUT_BYTES_MAX } = target
  const material = { kind, bytesMax, others: inputs, words: [] }
  const changed = fc
    .tuple(fc.nat(inputs.length - 1), fc.integer())
    .map(([at, seed]) => mutated(inputs[at] as Uint8Array, createDice(seed), material))
  const any = fc.uint8Array({ maxLength: Math.min(bytesMax, 600) })
  const arbitraries = [
    { weight: 1, arbitrary: fc.constantFrom(...inputs) },
    { weight: 2, arbitrary: any },
    { weight: 10, arbitrary: changed },
  ]
  if (kind === 'bytes') return fc.oneof(...arbitraries)
  const drawn = kind === 'text' ? fc.string({ maxLength: 200 }) : fc.json({ maxDepth: 4 })
  return fc.oneof(...arbitraries, { weight: 3, arbitrary: drawn.map(encode) })
}
