import { describe, expect, test } from 'vitest'
import { FIRST_PROVIDER_MS, NO_HOST_GRACE_MS, STALL_MS } from './limits.ts'
import { ask, LARGE, layersOf, SMALL, swarm } from './testing/asking.ts'
import type { Inhabitant } from './testing/world.ts'

describe('a request in a calm swarm', () => {
  test('is answered with every layer once, computed as its route says', async () => {
    const { world, asker } = swarm(SMALL, [
      [0, 1],
      [1, 2],
      [2, 3],
      [3, 0],
    ])
    const { answer } = await ask(world, asker).finish()
    expect(layersOf(answer).toSorted()).toEqual([0, 1, 2, 3])
    expect(answer?.missingLayers).toEqual([])
    expect(answer?.logits[0]).toEqual(layersOf(answer))
  })

  test('takes orders that nobody chose', async () => {
    const { world, asker } = swarm(SMALL, [
      [0, 1],
      [1, 2],
      [2, 3],
      [3, 0],
    ])
    const orders = new Set<string>()
    for (let i = 0; i < 40; i++) {
      const { answer } = await ask(world, asker).finish()
      orders.add(layersOf(answer).join())
    }
    expect(orders.size).toBeGreaterThan(8)
  })

  test('costs one delivery and one layer run per hop, with no waiting in between', async () => {
    const { world, asker } = swarm(SMALL, [
      [0, 1, 2, 3],
      [0, 1, 2, 3],
    ])
    const { answer } = await ask(world, asker).finish()
    // Four hops of at most 7 ms network and 2 ms compute, and the way back.
    expect(answer?.totalMs).toBeLessThan(4 * (7 + 2) + 7 + 1)
  })

  test('passes large activations by reference and releases every tensor afterwards', async () => {
    const { world, asker, providers } = swarm(LARGE, [
      [0, 1],
      [1, 2],
      [2, 3],
      [3, 0],
    ])
    const { answer } = await ask(world, asker).finish()
    expect(answer?.logits[0]).toEqual(layersOf(answer))
    // The stem, the outputs of the visits, the last of them to the asker; once each.
    const visits =
      layersOf(answer).length -
      1 -
      (answer?.route.filter(({ peer }, i) => peer === answer.route[i - 1]?.peer).length ?? 0)
    expect(world.network.traffic.pulledBytes).toBe((visits + 2) * 197 * 768 * 2)
    world.clock.run(world.clock.nowMs() + 100)
    for (const { peer } of [asker, ...providers]) expect(world.network.held(peer)).toBe(0)
  })

  test('follows a plan when one is given', async () => {
    const { world, asker } = swarm(SMALL, [
      [0, 1],
      [1, 2],
      [2, 3],
      [3, 0],
    ])
    const { answer } = await ask(world, asker, { plan: [3, 1, 2] }).finish()
    expect(layersOf(answer)).toEqual([3, 1, 2])
    expect(answer?.missingLayers).toEqual([0])
  })

  test('sharpens visit by visit when asked to', async () => {
    const { world, asker } = swarm(SMALL, [[0], [1], [2], [3]])
    const asked = ask(world, asker, { anytime: true })
    await asked.finish()
    const scored = asked.events.flatMap((event) =>
      event.type === 'progressed' && event.probabilities ? [event.scoredHops] : [],
    )
    expect([...new Set(scored)]).toEqual([1, 2, 3])
  })

  test('stops early once it is confident enough', async () => {
    const { world, asker } = swarm(SMALL, [[0], [1], [2], [3]])
    // One symbolic logit alone is a softmax of one class: probability 1 after the first hop.
    const { answer } = await ask(world, asker, { stopAtConfidence: 0.99 }).finish()
    expect(answer?.route).toHaveLength(1)
    expect(answer?.missingLayers).toHaveLength(3)
  })
})

describe('a swarm with layers that nobody hosts', () => {
  test('answers from the others and says which is missing', async () => {
    const { world, asker, providers } = swarm(SMALL, [[0, 1], [1, 3], [2]])
    world.kill((providers[2] as Inhabitant).peer)
    world.clock.run(world.clock.nowMs() + 50)
    const { answer } = await ask(world, asker).finish()
    expect(answer?.missingLayers).toEqual([2])
    expect(layersOf(answer).toSorted()).toEqual([0, 1, 3])
    expect(answer?.totalMs).toBeLessThan(NO_HOST_GRACE_MS + 3 * 9 + 50)
  })

  test('refuses to answer from fewer layers than the minimum', async () => {
    const { world, asker } = swarm(SMALL, [
      [0, 1],
      [1, 3],
    ])
    const { error } = await ask(world, asker, { minLayers: 4 }).finish()
    const missing = { what: 'hosts', layers: [2] }
    expect(error?.fault).toEqual({ code: 'too-few-layers', applied: 3, wanted: 4, missing })
  })

  test('fails within the deadline when there is no provider at all, and says what to do', async () => {
    const { world, asker } = swarm(SMALL, [])
    const before = world.clock.nowMs()
    const { error } = await ask(world, asker).finish()
    expect(error?.code).toBe('no-providers')
    expect(error?.message).toContain('layerswarm peer --join')
    expect(world.clock.nowMs() - before).toBeLessThanOrEqual(FIRST_PROVIDER_MS)
  })

  test('fails by a short deadline too', async () => {
    const { world, asker } = swarm(SMALL, [])
    const before = world.clock.nowMs()
    const { error } = await ask(world, asker, { deadlineMs: 500 }).finish()
    expect(error?.code).toBe('no-providers')
    expect(world.clock.nowMs() - before).toBeLessThanOrEqual(500)
  })

  test('uses a provider that joins while the request waits', async () => {
    const { world, asker } = swarm(SMALL, [])
    const asked = ask(world, asker)
    world.clock.run(world.clock.nowMs() + 1_000)
    world.join('late', { serve: [0, 1, 2, 3] })
    const { answer } = await asked.finish()
    expect(answer?.missingLayers).toEqual([])
    expect(answer?.totalMs).toBeLessThan(1_000 + 2 * STALL_MS)
  })

  test('answers at the deadline with what it has', async () => {
    const { world, asker, providers } = swarm(SMALL, [
      [0, 1],
      [2, 3],
    ])
    for (const { compute } of providers.slice(1)) compute.frozen = true
    const { answer } = await ask(world, asker, { deadlineMs: 2_000 }).finish()
    expect(answer?.missingLayers).toEqual([2, 3])
    expect(answer?.totalMs).toBeLessThanOrEqual(2_000)
  })
})
