import { engineAcceptance, type ModelSpec } from '@layerswarm/model'
import { describe, expect, test } from 'vitest'
import { createNodeEngine, NODE_ENGINE_NAMES } from './create-engine.node.ts'

describe.each(NODE_ENGINE_NAMES)('the engine %s', { timeout: 30_000 }, (name) => {
  const cases = engineAcceptance((spec) => createNodeEngine(name, spec), { tolerance: 1e-5 })

  test.each(cases)('$name', ({ run }) => run())

  test('bears its name', async () => {
    const spec: ModelSpec = {
      ...{ variant: 'shuffle' as const, imageSize: 4, patchSize: 2, channels: 1, width: 4 },
      ...{ layers: 1, heads: 1, mlpWidth: 4, classes: 2, layerNormEps: 1e-6 },
    }
    const engine = await createNodeEngine(name, spec)
    expect(engine.name).toBe(name)
    await engine.close()
  })
})
