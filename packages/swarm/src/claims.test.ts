import { describe, expect, test } from 'vitest'
import { gossip } from './claims/gossip.ts'
import type { MemberEvent } from './effects.ts'
import { SwarmError } from './errors.ts'
import {
  DEADLINE_MS_MAX,
  FIRST_PROVIDER_MS,
  NO_HOST_GRACE_MS,
  PRESENCE_INTERVAL_MS_MAX,
  STALL_MS,
} from './limits.ts'
import type { Answer, ClassifyPolicy } from './request.ts'
import type { ModelShape } from './step.ts'
import { layersIn } from './testing/symbols.ts'
import { type Inhabitant, World } from './testing/world.ts'
import type { PeerId } from './wire/messages.ts'

const SMALL: ModelShape = { layers: 4, tokens: 5, width: 8 }
/** 197 x 768 in float16 is 302,592 bytes: by reference. */
const LARGE: ModelShape = { layers: 4, tokens: 197, width: 768 }

function swarm(
  shape: ModelShape,
  layersByPeer: number[][],
  seed = 1,
): { world: World; asker: Inhabitant; providers: Inhabitant[] } {
  const world = new World({ seed, shape })
  const asker = world.join('asker')
  const providers = layersByPeer.map((serve, i) => world.join(`p${i}`, { serve }))
  // Until everybody has been heard: what is missing then has no host.
  world.clock.run(PRESENCE_INTERVAL_MS_MAX)
  return { world, asker, providers }
}

/** Asks once and runs the world until the request has ended. */
function ask(world: World, asker: Inhabitant, policy: Partial<ClassifyPolicy> = {}) {
  const events: MemberEvent[] = []
  const off = asker.member.on((event) => events.push(event))
  const asked = asker.member.classify(world.stem(), policy)
  let settled = false
  const outcome: { answer?: Answer; error?: SwarmError } = {}
  const watch = asked.answer.then(
    (answer) => {
      outcome.answer = answer
    },
    (error: unknown) => {
      if (error instanceof SwarmError) outcome.error = error
    },
  )
  const offEnd = asker.member.on((event) => {
    if (
      (event.type === 'answered' && event.answer.request === asked.request) ||
      (event.type === 'failed' && event.request === asked.request)
    )
      settled = true
  })
  const finish = async (): Promise<typeof outcome> => {
    world.clock.run(world.clock.nowMs() + DEADLINE_MS_MAX, () => settled)
    off()
    offEnd()
    await watch
    return outcome
  }
  return { request: asked.request, events, finish }
}

function layersOf(answer: Answer | undefined): number[] {
  return answer?.route.map(({ layer }) => layer) ?? []
}

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
    expect(error?.fault).toEqual({ code: 'too-few-layers', applied: 3, wanted: 4 })
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

test('a stopped member leaves no timer in the clock and fails its open requests', async () => {
  const { world, asker, providers } = swarm(SMALL, [])
  const { answer } = asker.member.classify(world.stem())
  for (const { member } of [asker, ...providers]) member.stop()
  await expect(answer).rejects.toMatchObject({ fault: { code: 'cancelled' } })
  const fired = world.clock.run(world.clock.nowMs() + 60_000)
  expect(fired).toBe(0)
})

test('a request without a promise ends in an event, at the latest when its member stops', () => {
  const { world, asker } = swarm(SMALL, [[0, 1, 2, 3]])
  const events: MemberEvent[] = []
  asker.member.on((event) => events.push(event))
  const answered = asker.member.ask(world.stem())
  world.clock.run(world.clock.nowMs() + 5_000)
  expect(events.find(({ type }) => type === 'answered')).toMatchObject({
    answer: { request: answered },
  })
  const cancelled = asker.member.ask(world.stem())
  asker.member.stop()
  expect(events.at(-1)).toMatchObject({ type: 'failed', request: cancelled })
})

test('an impossible request is refused at once', () => {
  const { world, asker } = swarm(SMALL, [])
  const classify = (policy: Partial<ClassifyPolicy>) => () =>
    asker.member.classify(world.stem(), policy)
  expect(classify({ plan: [1, 1] })).toThrow('a planned layer stands twice')
  expect(classify({ plan: [9] })).toThrow('a planned layer does not exist')
  expect(classify({ minLayers: 5 })).toThrow('from 0 to 4')
  expect(classify({ deadlineMs: 0 })).toThrow('deadline')
  expect(() =>
    asker.member.classify({ dtype: 'float16', shape: [1, 5, 8], bytes: new Uint8Array(3) }),
  ).toThrow('wrong size')
  expect(layersIn(world.stem().bytes)).toEqual([])
})

describe('plain gossip', () => {
  test('names nobody for tensors that are held, and nobody passes on what everybody can fetch', () => {
    const world = new World({ seed: 1, shape: SMALL })
    const options = { policy: gossip, inlineBytes: 16 }
    const asker = world.join('asker', options)
    for (const layer of [0, 1, 2, 3])
      world.join(`p${layer}`, { ...options, serve: [layer, (layer + 1) % SMALL.layers] })
    const named: (PeerId | undefined)[] = []
    world.network.join('witness' as PeerId).listen({
      messageArrived(_, message) {
        if (message.kind !== 'step' || message.route.length === SMALL.layers) return
        named.push(message.next)
      },
      peerDisconnected: () => undefined,
    })
    world.clock.run(PRESENCE_INTERVAL_MS_MAX)
    let answer: Answer | undefined
    asker.member.on((event) => {
      if (event.type === 'answered') answer = event.answer
    })
    asker.member.ask(world.stem())
    world.clock.run(world.clock.nowMs() + STALL_MS, () => answer !== undefined)
    expect(answer?.missingLayers).toEqual([])
    expect(named.length).toBeGreaterThanOrEqual(SMALL.layers)
    expect(named.filter((peer) => peer !== undefined)).toEqual([])
  })
})
