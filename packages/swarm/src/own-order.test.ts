import { describe, expect, test } from 'vitest'
import { NO_HOST_GRACE_MS } from './limits.ts'
import { HELD_UP_SHARE } from './requester/limits.ts'
import { ask, LARGE, layersOf, SMALL, swarm } from './testing/asking.ts'
import type { PeerId } from './wire/messages.ts'

/** The shapes of a release that keeps its order, with small and with large activations. */
const SHAPES = [SMALL, LARGE].map((shape) => ({ ...shape, keepsOrder: true }))
const [SMALL_KEPT, LARGE_KEPT] = SHAPES as [(typeof SHAPES)[0], (typeof SHAPES)[0]]
const ALL = [0, 1, 2, 3]

describe('a release that keeps its order', () => {
  test.each(SHAPES)('is run in it, whoever hosts which layers: width $width', async (shape) => {
    for (let seed = 1; seed <= 6; seed++) {
      const hosts = [[3, 0], [1], [2, 1], [0, 3], [2]]
      const { world, asker } = swarm(shape, hosts, seed)
      const { answer } = await ask(world, asker).finish()
      expect(layersOf(answer)).toEqual(ALL)
      expect(answer?.logits[0]).toEqual(ALL)
    }
  })

  test('is run in one visit by a host of all its layers', async () => {
    const { world, asker } = swarm(SMALL_KEPT, [ALL, ALL])
    const { answer } = await ask(world, asker).finish()
    expect(layersOf(answer)).toEqual(ALL)
    expect(new Set(answer?.route.map(({ peer }) => peer)).size).toBe(1)
  })

  test.each([true, false])(
    'loses no answer and no order with a peer, at whatever hop that vanishes (noticed: %s)',
    async (noticed) => {
      for (const shape of SHAPES) {
        for (let hop = 0; hop < shape.layers; hop++) {
          for (let seed = 1; seed <= 3; seed++) {
            const hosts = [[0, 1], [2, 3], [0, 1], [2, 3], ALL]
            const { world, asker } = swarm(shape, hosts, seed)
            const asked = ask(world, asker)
            let killed = false
            asker.member.on((event) => {
              if (killed || event.type !== 'step-seen' || event.request !== asked.request) return
              if (event.route.length < hop) return
              killed = true
              world.kill(event.route.at(-1)?.peer ?? ('p0' as PeerId), noticed)
            })
            const { answer, error } = await asked.finish()
            expect(error).toBeUndefined()
            expect(layersOf(answer)).toEqual(ALL)
            expect(answer?.logits[0]).toEqual(ALL)
          }
        }
      }
    },
  )

  test('goes on without a layer that nobody hosts, late, and names it', async () => {
    const { world, asker } = swarm(SMALL_KEPT, [[0], [2, 3], [0, 2]])
    const deadlineMs = 9_000
    const { answer } = await ask(world, asker, { deadlineMs }).finish()
    expect(layersOf(answer)).toEqual([0, 2, 3])
    expect(answer?.missingLayers).toEqual([1])
    expect(answer?.logits[0]).toEqual([0, 2, 3])
    expect(answer?.totalMs).toBeGreaterThan(HELD_UP_SHARE * deadlineMs - 100)
    expect(answer?.totalMs).toBeLessThan(deadlineMs)
  })

  test('waits for a host of it while there is time', async () => {
    const { world, asker } = swarm(LARGE_KEPT, [[0], [2, 3]])
    const asked = ask(world, asker)
    world.clock.run(world.clock.nowMs() + 2 * NO_HOST_GRACE_MS)
    world.join('late', { serve: [1] })
    const { answer } = await asked.finish()
    expect(layersOf(answer)).toEqual(ALL)
  })

  test('is not answered without a layer when all were asked for', async () => {
    const { world, asker } = swarm(SMALL_KEPT, [[0], [2, 3]])
    const { error } = await ask(world, asker, { minLayers: 4, deadlineMs: 6_000 }).finish()
    expect(error).toMatchObject({ fault: { code: 'too-few-layers', applied: 1 } })
  })

  test('may be asked for some of its layers, in no other order', async () => {
    const { world, asker } = swarm(SMALL_KEPT, [ALL])
    expect(() => asker.member.classify(world.stem(), { plan: [1, 0] })).toThrow('keeps its order')
    const { answer } = await ask(world, asker, { plan: [1, 3] }).finish()
    expect(layersOf(answer)).toEqual([1, 3])
    expect(answer?.missingLayers).toEqual([0, 2])
  })

  test('runs in no rounds: those that are named are refused, and none are chosen', async () => {
    const { world, asker } = swarm(SMALL_KEPT, [ALL, ALL])
    const named = () => asker.member.classify(world.stem(), { rounds: [2, 2] })
    expect(named).toThrow('one after another and not in rounds')
    const groupings = [{ groups: [4], lossPoints: 0 }]
    const { answer } = await ask(world, asker, { rounds: 'auto', groupings }).finish()
    expect(layersOf(answer)).toEqual(ALL)
    expect(answer?.rounds).toEqual([])
  })
})
