import { describe, expect, test } from 'vitest'
import type { Answer, ClassifyPolicy } from '../request.ts'
import { ask, LARGE, layersOf, SMALL, swarm } from '../testing/asking.ts'
import type { PeerId } from '../wire/messages.ts'
import { confirm } from './confirm.ts'
import { disjointOrder, sharedPlaces } from './disjoint-order.ts'

const layers = [0, 1, 2, 3, 4, 5, 6, 7]

/** Says one class after the other; an undefined one is not answered. Each takes a tenth of a second. */
function swarmThatSays(...classes: (number | undefined)[]) {
  const asked: Partial<ClassifyPolicy>[] = []
  const once = async (policy: Partial<ClassifyPolicy>): Promise<Answer> => {
    const said = classes[asked.push(policy) - 1]
    if (said === undefined) throw new Error('nobody answered')
    const order = policy.plan !== undefined && policy.plan.length > 0 ? policy.plan : layers
    const peer = `peer${asked.length}` as PeerId
    return {
      request: `${asked.length}` as Answer['request'],
      logits: [],
      probabilities: [[0, 1, 2].map((index) => (index === said ? 0.8 : 0.1))],
      route: order.map((layer) => ({ layer, peer, backend: 'reference', ms: 1 })),
      missingLayers: [],
      checked: { layers: [], doubted: [] },
      rounds: [],
      totalMs: 100,
    }
  }
  return { once, asked }
}

describe('asking twice', () => {
  test('agrees when two orders say the same, and asks no third', async () => {
    const { once, asked } = swarmThatSays(1, 1)
    const found = await confirm(once)
    expect(found).toMatchObject({ outcome: 'agreed', sharedPeers: [], failure: undefined })
    expect(found.believed).toHaveLength(2)
    expect(asked).toHaveLength(2)
  })

  test('has a third order decide when they disagree, and believes the two that agree', async () => {
    const { once } = swarmThatSays(1, 2, 2)
    const { outcome, believed, answers } = await confirm(once)
    expect(outcome).toBe('outvoted')
    expect(believed).toEqual([answers[1], answers[2]])
  })

  test('says so when three orders say three things', async () => {
    const { once } = swarmThatSays(0, 1, 2)
    expect(await confirm(once)).toMatchObject({ outcome: 'split', believed: { length: 3 } })
  })

  test('is not confirmed when the order that was to tell is not answered', async () => {
    expect(await confirm(swarmThatSays(1, undefined).once)).toMatchObject({
      outcome: 'unconfirmed',
      answers: { length: 1 },
      failure: 'nobody answered',
    })
    expect(await confirm(swarmThatSays(1, 2, undefined).once)).toMatchObject({
      outcome: 'unconfirmed',
      believed: { length: 2 },
    })
  })

  test('fails as its first request does', async () => {
    await expect(confirm(swarmThatSays(undefined).once)).rejects.toThrow('nobody answered')
  })

  test('asks in orders that share no hop and no pair, of others, in the time that is left', async () => {
    const { once, asked } = swarmThatSays(0, 1, 2)
    const { answers } = await confirm(once, { deadlineMs: 1_000, minLayers: 3 })
    const orders = answers.map(layersOf)
    expect(sharedPlaces(orders[1] ?? [], layers)).toBe(0)
    expect(sharedPlaces(orders[2] ?? [], layers)).toBe(0)
    expect(sharedPlaces(orders[2] ?? [], orders[1] ?? [])).toBe(0)
    expect(asked.map(({ avoid }) => avoid)).toEqual([undefined, ['peer1'], ['peer1', 'peer2']])
    expect(asked.map(({ deadlineMs }) => deadlineMs)).toEqual([1_000, 900, 800])
  })

  test('does not ask again when no time is left', async () => {
    const { once, asked } = swarmThatSays(0, 0)
    expect(await confirm(once, { deadlineMs: 100 })).toMatchObject({
      outcome: 'unconfirmed',
      failure: 'no time was left to ask again',
    })
    expect(asked).toHaveLength(1)
  })
})

describe('two orders', () => {
  test('share layers at one hop and layers after the same layer', () => {
    expect(sharedPlaces([0, 1, 2, 3], [0, 1, 2, 3])).toBe(7)
    expect(sharedPlaces([1, 2, 3, 0], [0, 1, 2, 3])).toBe(2)
    expect(sharedPlaces([3, 2, 1, 0], [0, 1, 2, 3])).toBe(0)
  })

  test('are made disjoint, for any seed, and of the same layers', () => {
    for (let seed = 0; seed < 50; seed++) {
      const second = disjointOrder([layers], seed)
      const third = disjointOrder([layers, second], seed + 1)
      expect(third.toSorted((a, b) => a - b)).toEqual(layers)
      expect(sharedPlaces(second, layers)).toBe(0)
      expect(sharedPlaces(third, layers) + sharedPlaces(third, second)).toBe(0)
    }
  })

  test('of one or two layers share what they must', () => {
    expect(disjointOrder([[4]], 1)).toEqual([4])
    expect(disjointOrder([[4, 2]], 1)).toEqual([2, 4])
  })
})

describe('a swarm that is asked twice', () => {
  const twice = [
    [0, 1, 2, 3],
    [0, 1, 2, 3],
  ]

  test.each([SMALL, LARGE])('has it run by those who had no part', async (shape) => {
    const { world, asker, providers } = swarm(shape, twice)
    for (const { peer } of providers) {
      const { answer } = await ask(world, asker, { plan: [2, 0, 3, 1], avoid: [peer] }).finish()
      expect(layersOf(answer)).toEqual([2, 0, 3, 1])
      expect(answer?.route.filter((hop) => hop.peer === peer)).toEqual([])
    }
  })

  test('has a layer run by its only host in both, and says so', async () => {
    const { world, asker, providers } = swarm(SMALL, [
      [0, 1, 2, 3],
      [1, 2, 3],
    ])
    const avoid = providers.map(({ peer }) => peer)
    const { answer } = await ask(world, asker, { plan: [3, 2, 0, 1], avoid }).finish()
    expect(layersOf(answer)).toEqual([3, 2, 0, 1])
  })

  test('goes back to those it would avoid when the others leave', async () => {
    const { world, asker, providers } = swarm(LARGE, twice)
    const [one, other] = providers.map(({ peer }) => peer)
    if (one === undefined || other === undefined) throw new Error('two are there')
    const asked = ask(world, asker, { plan: [3, 1, 0, 2], avoid: [one] })
    world.kill(other)
    const { answer } = await asked.finish()
    expect(answer?.route.every(({ peer }) => peer === one)).toBe(true)
    expect(layersOf(answer)).toEqual([3, 1, 0, 2])
  })
})
