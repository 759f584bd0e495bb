import { describe, expect, test } from 'vitest'
import { REST_MS_MAX } from '../limits.ts'
import type { ModelShape } from '../step.ts'
import { World } from '../testing/world.ts'
import { Duty } from './duty.ts'

const SHAPE: ModelShape = { layers: 4, tokens: 5, width: 8 }
const LAYER_MS = 20
const ALL = [0, 1, 2, 3]

/** A swarm that is asked all the time; tells which share of half a minute each provider's runs took. */
function busyShares(timeShares: readonly number[]): number[] {
  const world = new World({ seed: 1, shape: SHAPE, layerMs: LAYER_MS })
  const asker = world.join('asker')
  const providers = timeShares.map((timeShare, i) => world.join(`p${i}`, { serve: ALL, timeShare }))
  world.clock.run(3_000)
  const again = () => asker.member.ask(world.stem(), { deadlineMs: 20_000 })
  asker.member.on(({ type }) => {
    if (type === 'answered' || type === 'failed') again()
  })
  for (let i = 0; i < 4; i++) again()
  const servedOf = () => providers.map(({ member }) => member.snapshot().served)
  world.clock.run(10_000)
  const before = servedOf()
  world.clock.run(40_000)
  return servedOf().map((served, i) => ((served - (before[i] ?? 0)) * LAYER_MS) / 30_000)
}

describe('a provider that gives a share of its time', () => {
  test.each([0.5, 0.25, 0.1])('computes for %d of it when it is asked all the time', (share) => {
    const [busy = 0] = busyShares([share])
    // Counted are whole visits, and one may end just inside the time that is looked at.
    expect(busy).toBeLessThanOrEqual(share + (ALL.length * LAYER_MS) / 30_000)
    expect(busy).toBeGreaterThan(share * 0.6)
  })

  test('leaves the work to those who give all of theirs', () => {
    const [few = 0, all = 0] = busyShares([0.1, 1])
    expect(few).toBeLessThanOrEqual(0.1 + (ALL.length * LAYER_MS) / 30_000)
    expect(all).toBeGreaterThan(3 * few)
  })

  test('answers alone, with every layer, and the next request after its rest', async () => {
    const world = new World({ seed: 1, shape: SHAPE, layerMs: LAYER_MS })
    const asker = world.join('asker')
    world.join('p0', { serve: ALL, timeShare: 0.1 })
    world.clock.run(3_000)
    const [first, second] = [world.stem(), world.stem()].map((stem) => asker.member.classify(stem))
    world.clock.run(10_000)
    for (const asked of [first, second]) expect((await asked?.answer)?.missingLayers).toEqual([])
    // Nine times as long as the visit lasted.
    const totals = [(await first?.answer)?.totalMs ?? 0, (await second?.answer)?.totalMs ?? 0]
    expect(Math.max(...totals)).toBeGreaterThan(9 * ALL.length * LAYER_MS)
  })

  test('says that it rests, and takes work at once when the share grows', () => {
    const world = new World({ seed: 1, shape: SHAPE, layerMs: 1_000 })
    const asker = world.join('asker')
    const { member } = world.join('p0', { serve: ALL, timeShare: 0.1 })
    world.clock.run(3_000)
    for (let i = 0; i < 2; i++) asker.member.ask(world.stem(), { deadlineMs: 60_000 })
    world.clock.run(9_000)
    expect(member.snapshot()).toMatchObject({ served: 4, reason: expect.stringMatching('resting') })
    member.setTimeShare(1)
    world.clock.run(16_000)
    expect(member.snapshot().served).toBe(8)
  })
})

test('runs that overlap count once, and a rest has an end', () => {
  const duty = new Duty(0.5)
  duty.runBegan(0)
  duty.runBegan(10)
  duty.runEnded(30)
  duty.runEnded(40)
  expect(duty.restsUntilMs).toBe(80)
  duty.runBegan(100)
  duty.runEnded(10 * REST_MS_MAX)
  expect(duty.restsUntilMs).toBe(11 * REST_MS_MAX)
})
