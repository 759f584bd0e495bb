import { describe, expect, test } from 'vitest'
import type { ModelShape } from './step.ts'
import { ask, LARGE, layersOf, SMALL, swarm } from './testing/asking.ts'
import { World } from './testing/world.ts'
import type { PeerId } from './wire/messages.ts'

describe('a peer that vanishes', () => {
  const crash = (shape: ModelShape) => async (noticed: boolean) => {
    for (let hop = 0; hop < shape.layers; hop++) {
      for (let seed = 1; seed <= 6; seed++) {
        const all = Array.from({ length: 4 }, () => [0, 1, 2, 3])
        const { world, asker } = swarm(shape, all, seed)
        const asked = ask(world, asker)
        let killed = false
        asker.member.on((event) => {
          if (
            killed ||
            event.type !== 'step-seen' ||
            event.request !== asked.request ||
            event.route.length !== hop
          )
            return
          const author = event.route.at(-1)?.peer
          const victim = author ?? ('p0' as PeerId)
          killed = true
          world.kill(victim, noticed)
        })
        const { answer, error } = await asked.finish()
        expect(error).toBeUndefined()
        expect(answer?.missingLayers).toEqual([])
        expect(answer?.logits[0]).toEqual(layersOf(answer))
      }
    }
  }

  test.each([true, false])('at any hop costs time and never the answer (noticed: %s)', crash(SMALL))
  test.each([true, false])(
    'with the only copy of a large activation costs time and never the answer (noticed: %s)',
    crash(LARGE),
  )

  test('after claiming costs one claim time-to-live', async () => {
    const { world, asker, providers } = swarm(SMALL, [
      [0, 1, 2, 3],
      [0, 1, 2, 3],
    ])
    for (const { compute } of providers.slice(0, 1)) compute.frozen = true
    const { answer } = await ask(world, asker).finish()
    expect(answer?.missingLayers).toEqual([])
    expect(new Set(answer?.route.map(({ peer }) => peer))).toEqual(new Set(['p1']))
    expect(answer?.totalMs).toBeLessThan(4 * 400 + 1_000)
  })

  test('while it says goodbye costs nothing', async () => {
    const { world, asker, providers } = swarm(SMALL, [
      [0, 1, 2, 3],
      [0, 1, 2, 3],
    ])
    providers[0]?.member.leave()
    world.clock.run(world.clock.nowMs() + 20)
    const { answer } = await ask(world, asker).finish()
    expect(answer?.totalMs).toBeLessThan(4 * 9 + 8)
  })
})

describe('lost messages', () => {
  test('delay a request and do not end it', async () => {
    const world = new World({
      shape: SMALL,
      seed: 7,
      network: { latencyMs: 5, jitterMs: 2, loss: 0.2, bytesPerMs: 1_000 },
    })
    const asker = world.join('asker')
    for (let i = 0; i < 4; i++) world.join(`p${i}`, { serve: [0, 1, 2, 3] })
    world.clock.run(10_000)
    for (let i = 0; i < 20; i++) {
      const { answer } = await ask(world, asker).finish()
      expect(answer?.missingLayers).toEqual([])
      expect(answer?.logits[0]).toEqual(layersOf(answer))
    }
  })
})
