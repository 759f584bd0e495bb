import { describe, expect, test } from 'vitest'
import type { Engine } from './engine.ts'
import { engineAcceptance } from './engine-acceptance.ts'
import { createReferenceEngine } from './reference.ts'
import type { ModelSpec } from './spec.ts'
import type { Tensor } from './tensor.ts'

describe('the reference engine', () => {
  const cases = engineAcceptance(async (spec) => createReferenceEngine(spec), { tolerance: 1e-12 })
  test.each(cases)('$name', ({ run }) => run())
})

describe('the acceptance suite', () => {
  /** The names of the cases that an engine fails which differs from the reference by `spoil`. */
  async function failures(spoil: (engine: Engine, spec: ModelSpec) => Partial<Engine>) {
    const cases = engineAcceptance(async (spec) => {
      const engine = createReferenceEngine(spec)
      return { ...engine, ...spoil(engine, spec) }
    })
    const failed: string[] = []
    for (const { name, run } of cases) await run().catch(() => failed.push(name))
    return failed.join('; ')
  }

  const changed = ({ shape, data }: Tensor, change: (value: number) => number): Tensor => ({
    shape,
    data: data.map(change),
  })

  test('fails an engine whose numbers are a little off', async () => {
    const failed = await failures((engine) => ({
      run: async (...args) => changed(await engine.run(...args), (value) => value * 1.001),
    }))
    expect(failed).toContain('every part of a layerdrop model agrees')
    expect(failed).toContain('a whole forward pass agrees')
  })

  test('fails an engine that computes NaN', async () => {
    const failed = await failures((engine) => ({
      run: async (...args) => changed(await engine.run(...args), () => Number.NaN),
    }))
    expect(failed).toContain('every part of a shuffle model agrees')
  })

  test('fails an engine that ignores the hop', async () => {
    const failed = await failures((engine) => ({
      run: (part, input) => engine.run(part, input, 0),
    }))
    expect(failed).toContain('the hop changes what a position layer computes')
    expect(failed).toContain('a hop beyond the layers is refused')
  })

  test('fails an engine that mixes up overlapping runs', async () => {
    let last: Promise<Tensor> | undefined
    const failed = await failures((engine) => ({
      run: (...args) => {
        const result = last ?? engine.run(...args)
        last = result
        void Promise.resolve().then(() => {
          last = undefined
        })
        return result
      },
    }))
    expect(failed).toBe('runs that overlap all give their own result')
  })

  test('fails an engine that forgets nothing, not even when closed', async () => {
    const failed = await failures(() => ({ unload: async () => {}, close: async () => {} }))
    expect(failed).toBe('an unloaded part is forgotten; a closed engine refuses to run')
  })

  test('fails an engine that swallows damaged files', async () => {
    const failed = await failures((engine) => ({
      load: (part, file) => engine.load(part, file).catch(() => {}),
    }))
    expect(failed).toBe('damaged and foreign files are refused on load')
  })

  test('fails an engine that works on its input in place', async () => {
    const failed = await failures((engine) => ({
      run: async (part, input, hop) => {
        const output = await engine.run(part, input, hop)
        input.data.fill(0)
        return output
      },
    }))
    expect(failed).toContain('the input is left as it was')
  })
})
