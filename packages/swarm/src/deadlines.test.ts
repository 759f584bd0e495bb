import { describe, expect, test } from 'vitest'
import { type FailureFault, failureLine } from './failure.ts'
import { PRESENCE_INTERVAL_MS_MAX } from './limits.ts'
import type { HeadOutcome } from './ports.ts'
import type { ClassifyPolicy } from './request.ts'
import { ask, LARGE, layersOf, SMALL, swarm } from './testing/asking.ts'
import { SeededRandom } from './testing/seeded-random.ts'
import { type Inhabitant, World } from './testing/world.ts'

/** An answer or an error comes no later than this after its deadline, milliseconds. */
const OVERSHOOT_MS_MAX = 100
const DEADLINES_MS = [1, 50, 1_000, 5_000]

/** What became of a request, and when. */
async function outcome(world: World, asker: Inhabitant, policy: Partial<ClassifyPolicy>) {
  const askedMs = world.clock.nowMs()
  const { answer, error } = await ask(world, asker, policy).finish()
  const fault = error?.fault as FailureFault | undefined
  return { answer, fault, tookMs: world.clock.nowMs() - askedMs }
}

/** A lane whose every provider has taken work that it never ends, and takes no more: the asker knows nothing of it. */
function blocked(count: number) {
  const one = swarm(
    SMALL,
    Array.from({ length: count }, () => [0, 1, 2, 3]),
  )
  for (const { compute } of one.providers) compute.frozen = true
  return one
}

/** Providers that are known and connected, and hear nothing. */
function deaf(count: number) {
  const one = swarm(
    SMALL,
    Array.from({ length: count }, () => [0, 1, 2, 3]),
  )
  for (const { peer } of one.providers) one.world.network.listen(peer, undefined)
  return one
}

/** Providers that are known and cannot be reached. */
function apart(count: number) {
  const one = swarm(
    SMALL,
    Array.from({ length: count }, () => [0, 1, 2, 3]),
  )
  for (const { peer } of one.providers) one.world.kill(peer, false)
  return one
}

/** Every layer takes so long. */
function slow(layerMs: number, shape = SMALL) {
  const world = new World({ seed: 1, shape, layerMs })
  const asker = world.join('asker')
  const providers = [0, 1, 2, 3].map((layer) => world.join(`p${layer}`, { serve: [layer] }))
  world.clock.run(PRESENCE_INTERVAL_MS_MAX)
  return { world, asker, providers }
}

/** Has the head of a member take so long, in virtual time. */
function slowHead({ world, asker }: { world: World; asker: Inhabitant }, ms: () => number): void {
  const run = asker.compute.runHead.bind(asker.compute)
  asker.compute.runHead = (input, finished) => {
    world.clock.wakeAt(world.clock.nowMs() + ms(), () => run(input, finished))
  }
}

const SITUATIONS: [string, () => { world: World; asker: Inhabitant }, readonly string[]][] = [
  ['no neighbour', () => swarm(SMALL, []), ['no-providers']],
  ['slow neighbours', () => slow(2_000), ['deadline-passed', 'too-few-layers']],
  ['neighbours that never end what they take on', () => blocked(3), ['deadline-passed']],
  ['neighbours that hear nothing', () => deaf(3), ['deadline-passed']],
  ['hosts out of reach', () => apart(3), ['deadline-passed']],
]

describe.each(SITUATIONS)('a request with %s', (_, open, codes) => {
  test.each(DEADLINES_MS)('ends within its deadline of %d ms', async (deadlineMs) => {
    const { world, asker } = open()
    const { answer, fault, tookMs } = await outcome(world, asker, { deadlineMs, minLayers: 4 })
    expect(answer).toBeUndefined()
    expect(codes).toContain(fault?.code)
    expect(tookMs).toBeLessThanOrEqual(deadlineMs + OVERSHOOT_MS_MAX)
  })
})

describe('a request of a stem that is still to run', () => {
  const stemOf = (world: World, ms: number) =>
    ((finished) =>
      world.clock.wakeAt(world.clock.nowMs() + ms, () =>
        finished({ stem: world.stem() }),
      )) as Parameters<Inhabitant['member']['classify']>[0]

  test.each(DEADLINES_MS)('ends within its deadline of %d ms though it never does', async (ms) => {
    const { world, asker } = swarm(SMALL, [[0, 1, 2, 3]])
    const askedMs = world.clock.nowMs()
    const { answer } = asker.member.classify(() => undefined, { deadlineMs: ms })
    const end = expect(answer).rejects.toThrow(`no answer within ${ms} ms: this peer had not run`)
    world.clock.run(askedMs + ms + OVERSHOOT_MS_MAX)
    await end
  })

  test('has what the stem took in the time of its answer, and the rest of its time for the lane', async () => {
    const { world, asker } = slow(300)
    const { answer } = asker.member.classify(stemOf(world, 900), { deadlineMs: 2_000 })
    const askedMs = world.clock.nowMs()
    world.clock.run(askedMs + 2_000)
    const { totalMs, route } = await answer
    expect(route).toHaveLength(3)
    expect(totalMs).toBeGreaterThan(900 + 3 * 300)
    expect(totalMs).toBeLessThanOrEqual(2_000)
  })

  test('leaves nothing behind when it comes after the end', async () => {
    const { world, asker } = swarm(LARGE, [[0, 1, 2, 3]])
    const { answer, cancel } = asker.member.classify(stemOf(world, 500))
    const end = expect(answer).rejects.toThrow('the request was cancelled')
    cancel()
    world.clock.run(world.clock.nowMs() + 1_000)
    await end
    expect(asker.member.snapshot().requestsInFlight).toBe(0)
    expect(world.network.held(asker.peer)).toBe(0)
  })

  test('fails by what kept the stem from running', async () => {
    const { asker } = swarm(SMALL, [[0]])
    const { answer } = asker.member.classify((finished) => finished({ failure: 'no memory' }))
    await expect(answer).rejects.toThrow('could not run the stem: no memory')
    const wrong = { dtype: 'float16', shape: [1, 5, 8], bytes: new Uint8Array(3) } as const
    const other = asker.member.classify((finished) => finished({ stem: wrong })).answer
    await expect(other).rejects.toMatchObject({ code: 'stem-failed' })
  })

  test('is refused at once for an impossible policy', () => {
    const { asker } = swarm(SMALL, [[0]])
    expect(() => asker.member.classify(() => undefined, { plan: [7] })).toThrow('does not exist')
    expect(() => asker.member.classify(() => undefined, { deadlineMs: 0 })).toThrow('above 0')
  })
})

describe('an answer', () => {
  test('is what there is at the deadline when neighbours are slow, of any shape and deadline', async () => {
    for (const shape of [SMALL, LARGE]) {
      for (const deadlineMs of [450, 700, 1_000, 1_500, 2_100]) {
        const { world, asker } = slow(400, shape)
        const { answer, tookMs } = await outcome(world, asker, { deadlineMs })
        // 303 kB cross in 303 ms, and to be scored once more.
        const hopMs = shape === SMALL ? 410 : 1_020
        if (deadlineMs < hopMs) continue
        expect(layersOf(answer).length, `${deadlineMs} ms`).toBeGreaterThan(0)
        expect(answer?.logits[0]).toEqual(layersOf(answer))
        expect(tookMs).toBeLessThanOrEqual(deadlineMs + OVERSHOOT_MS_MAX)
      }
    }
  })

  test('is had though the head takes long, once that is known', async () => {
    const one = slow(400)
    slowHead(one, () => 300)
    for (let i = 0; i < 20; i++) {
      const deadlineMs = 2_000 + 37 * i
      const { answer, tookMs } = await outcome(one.world, one.asker, { deadlineMs })
      expect(layersOf(answer).length, `${deadlineMs} ms`).toBeGreaterThan(1)
      expect(tookMs).toBeLessThanOrEqual(deadlineMs + OVERSHOOT_MS_MAX)
    }
  })

  test('is one of an earlier step where the head hangs over the last', async () => {
    const one = slow(400)
    let runs = 0
    slowHead(one, () => (++runs === 1 ? 5 : 60_000))
    const { answer, tookMs } = await outcome(one.world, one.asker, { deadlineMs: 2_000 })
    expect(layersOf(answer).length).toBeGreaterThan(0)
    expect(tookMs).toBeLessThanOrEqual(2_000 + OVERSHOOT_MS_MAX)
  })

  test('is given after all layers though their result is late, from the step before', async () => {
    const { world, asker, providers } = swarm(LARGE, [[0], [1], [2], [3]])
    asker.member.on((event) => {
      // Whoever ran the last layer is gone with its result.
      const last = event.type === 'step-seen' && event.route.length === 4 && event.route.at(-1)
      if (last) world.kill(last.peer, false)
    })
    const { answer, tookMs } = await outcome(world, asker, { deadlineMs: 8_000 })
    expect(layersOf(answer).length).toBeGreaterThanOrEqual(3)
    expect(tookMs).toBeLessThanOrEqual(8_000 + OVERSHOOT_MS_MAX)
    expect(providers).toHaveLength(4)
  })

  test('is not refused at the deadline for want of layers while one may still come with enough', async () => {
    const ended = async (deadlineMs: number) => {
      const { world, asker } = slow(450)
      return outcome(world, asker, { deadlineMs, minLayers: 4 })
    }
    const { tookMs } = await ended(20_000)
    const { answer } = await ended(tookMs + 10)
    expect(layersOf(answer)).toHaveLength(4)
  })
})

describe('an error says what was missing', () => {
  const lineOf = async (
    { world, asker }: { world: World; asker: Inhabitant },
    policy: Partial<ClassifyPolicy>,
  ) => {
    const { fault } = await outcome(world, asker, policy)
    return fault === undefined ? '' : failureLine(fault)
  }

  test('hosts, by their layers', async () => {
    const line = await lineOf(swarm(SMALL, [[0, 1], [1]]), { minLayers: 4 })
    expect(line).toMatch(/only 2 layers could be applied and at least 4 .* layers 2, 3;/)
  })

  test('hosts that did not answer, by name', async () => {
    const line = await lineOf(deaf(2), { deadlineMs: 5_000 })
    expect(line).toContain('no answer within 5000 ms: peers …p')
    expect(line).toContain('did not answer')
  })

  test('somebody who takes it on, where nobody does', async () => {
    const line = await lineOf(apart(2), { deadlineMs: 5_000 })
    expect(line).toContain('none of them took the request on')
  })

  test('news of hosts, where it has only just come', async () => {
    const world = new World({ seed: 1, shape: SMALL })
    const asker = world.join('asker')
    const { fault } = await outcome(world, asker, { deadlineMs: 60 })
    expect(fault && failureLine(fault)).toBe(
      'no answer within 60 ms: this peer has only just come and had not heard yet who hosts what; ask again, or allow more time',
    )
  })

  test('hosts that were at work to the end, and that more time helps then', async () => {
    const line = await lineOf(slow(3_000), { deadlineMs: 2_000 })
    expect(line).toMatch(/peer …p\d was still at work after 0 layers; allow more time/)
  })

  test('the head, by the engine’s own line', async () => {
    const one = swarm(SMALL, [[0, 1, 2, 3]])
    one.asker.compute.runHead = (_, finished: (outcome: HeadOutcome) => void) =>
      one.world.clock.wakeAt(one.world.clock.nowMs() + 1, () =>
        finished({ failure: 'out of memory' }),
      )
    const line = await lineOf(one, { deadlineMs: 2_000 })
    expect(line).toContain('could not run the head on the result: out of memory')
  })

  test('the head, where it had no time', async () => {
    const one = swarm(SMALL, [[0, 1, 2, 3]])
    slowHead(one, () => 60_000)
    const line = await lineOf(one, { deadlineMs: 1_000 })
    expect(line).toContain('the layers ran, and this peer had not run the head')
  })
})

test('no request fails that had a layer in time to score it, whoever is slow and whoever never ends', async () => {
  for (let seed = 1; seed <= 60; seed++) {
    const random = new SeededRandom(seed)
    const draw = (most: number) => Math.floor(most * random.uniform())
    const shape = draw(2) === 0 ? SMALL : LARGE
    const world = new World({ seed, shape, layerMs: 5 + draw(400) })
    // The steps that are heard are all of the request: none of an audit of the one before.
    const asker = world.join('asker', { audits: false })
    for (let i = 0; i < 2 + draw(4); i++) {
      const serve = draw(2) === 0 ? [0, 1, 2, 3] : [i % 4, (i + 1) % 4]
      world.join(`p${i}`, { serve }).compute.frozen = draw(4) === 0
    }
    world.clock.run(PRESENCE_INTERVAL_MS_MAX)
    const headMs = draw(300)
    slowHead({ world, asker }, () => headMs)
    // 303 kB cross in 303 ms, and may wait for as many again.
    const scoringMs = headMs + (shape === SMALL ? 20 : 640)
    for (const deadlineMs of [300, 1_000, 2_000, 5_000]) {
      const endMs = world.clock.nowMs() + deadlineMs
      let inTime = false
      const off = asker.member.on((event) => {
        if (event.type === 'step-seen' && event.route.length > 0)
          inTime ||= world.clock.nowMs() + scoringMs < endMs
      })
      const { answer, tookMs } = await outcome(world, asker, { deadlineMs })
      off()
      expect(tookMs).toBeLessThanOrEqual(deadlineMs + 1)
      if (inTime) expect(answer, `seed ${seed}, ${deadlineMs} ms`).toBeDefined()
    }
  }
})
