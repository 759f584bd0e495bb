import { parseModelSpec, randomTensor } from '@layerswarm/model'
import { type ClassifyPolicy, SwarmError } from '@layerswarm/swarm'
import { type Inhabitant, World } from '@layerswarm/swarm/testing'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type AskingNeeds, askSwarm } from './asking.ts'
import { computeError } from './compute/compute-reply.ts'
import { LANE_MEET_SHARE } from './limits.ts'

/** An answer or an error comes no later than this after its deadline, milliseconds. */
const OVERSHOOT_MS_MAX = 100
const DEADLINES_MS = [1, 50, 1_000, 5_000]
const STEP_MS = 5
const images = randomTensor([1, 1, 8, 8], 9)
const spec = parseModelSpec({
  ...{ variant: 'shuffle', imageSize: 8, patchSize: 4, channels: 1, classes: 3 },
  ...{ width: 16, layers: 8, heads: 2, mlpWidth: 16, layerNormEps: 1e-6 },
})
const never = () => new Promise<never>(() => undefined)

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

/** Somebody who asks, and a host of each of eight layers; `layerMs`: of one run. */
function swarm(layerMs: number, hosts = 8) {
  const world = new World({ layerMs })
  const asker = world.join('asker')
  for (let layer = 0; layer < hosts; layer++) world.join(`p${layer}`, { serve: [layer] })
  world.clock.run(5_000)
  return { world, asker }
}

/** What a request goes through: everything is there at once unless it is given. */
function needsOf({ asker }: { asker: Inhabitant }, world: World, given: Partial<AskingNeeds> = {}) {
  const { member } = asker
  return {
    member,
    compute: { stem: async () => world.stem() },
    manifest: { spec },
    laneMet: async () => true,
    ...given,
  }
}

/** How a request ended, and after how long of both clocks, which go alike. */
async function ended(
  world: World,
  { answer }: ReturnType<typeof askSwarm>,
): Promise<{ tookMs: number; layers?: number; error?: unknown }> {
  let end: { layers?: number; error?: unknown } | undefined
  answer.then(
    ({ route }) => {
      end = { layers: route.length }
    },
    (error: unknown) => {
      end = { error }
    },
  )
  for (let tookMs = 0; ; tookMs += STEP_MS) {
    await vi.advanceTimersByTimeAsync(STEP_MS)
    world.clock.run(world.clock.nowMs() + STEP_MS)
    await vi.advanceTimersByTimeAsync(0)
    if (end !== undefined) return { ...end, tookMs: tookMs + STEP_MS }
  }
}

const SITUATIONS: [string, number, number, Partial<AskingNeeds>][] = [
  ['without a neighbour', 2, 0, { laneMet: never }],
  ['whose neighbours are slow', 6_000, 8, {}],
  ['whose stem never ends', 2, 8, { compute: { stem: never } }],
]

describe.each(SITUATIONS)('a request %s', (_, layerMs, hosts, given) => {
  test.each(DEADLINES_MS)('fails within its deadline of %d ms', async (deadlineMs) => {
    const one = swarm(layerMs, hosts)
    const asked = askSwarm(needsOf(one, one.world, given), images, { deadlineMs })
    const { tookMs, error } = await ended(one.world, asked)
    expect(error).toBeInstanceOf(SwarmError)
    expect(tookMs).toBeLessThanOrEqual(deadlineMs + OVERSHOOT_MS_MAX)
  })
})

test('a picture that does not come costs no more than the deadline', async () => {
  const one = swarm(2)
  const asked = askSwarm(needsOf(one, one.world), never, { deadlineMs: 50 })
  const { tookMs, error } = await ended(one.world, asked)
  expect(String(error)).toContain('no answer within 50 ms: this peer had not run the stem')
  expect(tookMs).toBeLessThanOrEqual(50 + OVERSHOOT_MS_MAX)
})

test('a picture or a stem that fails is the error of its request, as it is', async () => {
  const { world, asker } = swarm(2)
  const failure = computeError('not enough memory')
  const fails = async () => Promise.reject(failure)
  const { answer } = askSwarm(needsOf({ asker }, world, { compute: { stem: fails } }), images)
  await expect(answer).rejects.toBe(failure)
  await expect(askSwarm(needsOf({ asker }, world), fails).answer).rejects.toBe(failure)
})

test('a request can be cancelled while its stem runs', async () => {
  const { world, asker } = swarm(2)
  const { answer, cancel } = askSwarm(
    needsOf({ asker }, world, { compute: { stem: never } }),
    images,
  )
  cancel()
  await expect(answer).rejects.toMatchObject({ code: 'cancelled' })
})

describe('a neighbour who is not met', () => {
  test('is waited for during a share of the deadline, and the rest is for the answer', async () => {
    const one = swarm(2)
    const asked = askSwarm(needsOf(one, one.world, { laneMet: never }), images, {
      deadlineMs: 1_000,
    })
    const { tookMs, layers } = await ended(one.world, asked)
    expect(layers).toBe(8)
    expect(tookMs).toBeGreaterThanOrEqual(LANE_MEET_SHARE * 1_000)
    expect(tookMs).toBeLessThan(1_000)
  })

  test('is not waited for by who hosts all layers itself', async () => {
    const world = new World()
    const alone = world.join('alone', { serve: [0, 1, 2, 3, 4, 5, 6, 7] })
    world.clock.run(5_000)
    const asked = askSwarm(needsOf({ asker: alone }, world, { laneMet: never }), images)
    const { tookMs, layers } = await ended(world, asked)
    expect(layers).toBe(8)
    expect(tookMs).toBeLessThan(100)
  })
  test('is waited for no longer by who comes to host all layers meanwhile', async () => {
    const world = new World()
    const alone = world.join('alone', { serve: [0, 1, 2, 3, 4, 5, 6, 7] })
    const asked = askSwarm(needsOf({ asker: alone }, world, { laneMet: never }), images)
    const { tookMs, layers } = await ended(world, asked)
    expect(layers).toBe(8)
    expect(tookMs).toBeLessThan(2_000)
  })
})

test('a request chooses among the rounds that the release was measured in, and others where they are given', async () => {
  const one = swarm(2)
  const heard: Partial<ClassifyPolicy>[] = []
  const { member } = one.asker
  const listening: AskingNeeds['member'] = {
    snapshot: () => member.snapshot(),
    on: (listener) => member.on(listener),
    classify(stem, policy = {}) {
      heard.push(policy)
      return member.classify(stem, policy)
    },
  }
  const rounds = { '1+1+1+1+1+1+1+1': 0.92, '4+4': 0.9 }
  const needs = needsOf(one, one.world, { member: listening, manifest: { spec, rounds } })
  for (const policy of [undefined, { groupings: [] }]) {
    const { answer, cancel } = askSwarm(needs, images, policy)
    cancel()
    await expect(answer).rejects.toThrow('cancelled')
  }
  expect(heard.map(({ groupings }) => groupings)).toEqual([[{ groups: [4, 4], lossPoints: 2 }], []])
})
