import { describe, expect, test } from 'vitest'
import { ask, SMALL, swarm } from './testing/asking.ts'
import type { Inhabitant } from './testing/world.ts'

describe('load', () => {
  test('goes to the free and fast: a peer ten times slower serves little', async () => {
    const { world, asker, providers } = swarm(SMALL, [
      [0, 1, 2, 3],
      [0, 1, 2, 3],
      [0, 1, 2, 3],
    ])
    const slow = providers[0] as Inhabitant
    slow.compute.slowness = 10
    for (let i = 0; i < 60; i++) await ask(world, asker).finish()
    const served = providers.map(({ member }) => member.snapshot().served)
    expect(served[0]).toBeLessThan((served[1] as number) / 2)
    expect(served.reduce((a, b) => a + b)).toBe(240)
  })

  test('comes back to a peer that was slow once', async () => {
    const { world, asker, providers } = swarm(SMALL, [
      [0, 1, 2, 3],
      [0, 1, 2, 3],
    ])
    const once = providers[0] as Inhabitant
    for (let i = 0; i < 10; i++) await ask(world, asker).finish()
    once.compute.slowness = 50
    for (let i = 0; i < 20; i++) await ask(world, asker).finish()
    once.compute.slowness = 1
    world.clock.run(world.clock.nowMs() + 60_000)
    const before = once.member.snapshot().served
    for (let i = 0; i < 40; i++) await ask(world, asker).finish()
    expect(once.member.snapshot().served - before).toBeGreaterThan(40)
  })

  test('many requests at once all end, each with its own layers', async () => {
    const { world, asker } = swarm(SMALL, [
      [0, 1],
      [1, 2],
      [2, 3],
      [3, 0],
    ])
    const all = Array.from({ length: 100 }, () => asker.member.classify(world.stem()))
    world.clock.run(
      world.clock.nowMs() + 20_000,
      () => asker.member.snapshot().requestsInFlight === 0,
    )
    for (const { answer } of all) {
      const { route, logits, missingLayers } = await answer
      expect(missingLayers).toEqual([])
      expect(logits[0]).toEqual(route.map(({ layer }) => layer))
    }
  })
})
