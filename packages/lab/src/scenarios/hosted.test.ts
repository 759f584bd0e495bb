import { describe, expect, test } from 'vitest'
import { simulate } from '../simulate.ts'
import type { Hosted } from './hosted.ts'

const WORLD = { policy: 'any-order', requests: 30, seed: 3 } as const
/** Everybody stays, is as far from everybody as anybody, and nothing is lost. */
const EVEN = {
  'churn.scaleMs': 0,
  'links.rttSigma': 0,
  'links.natShare': 0,
  'links.loss': 0,
  'requests.perMinute': 30,
}
/** Four pairs of layers, each twice: an image can be done in four visits. */
const PAIRS: Hosted = [
  [0, 1],
  [2, 3],
  [4, 5],
  [6, 7],
  [0, 1],
  [2, 3],
  [4, 5],
  [6, 7],
]
/** Two layers lie beside one that everybody has: five visits at least. */
const FIVE: Hosted = [
  [0, 1],
  [0, 2],
  [0, 3],
  [0, 4],
  [5, 6],
  [5, 7],
  [1, 5],
  [2, 6],
]

describe('layers that providers are given', () => {
  test.each([
    [
      [
        [0, 1],
        [2, 3],
      ],
      {},
      'hosted must name the layers of 3 providers, not of 2',
    ],
    [[[0], [1], [8]], {}, 'hosted must name layers from 0 to 7, not 8'],
    [[[0], [1], [2, 2]], {}, 'hosted must name some layers of each provider, each once, not "2,2"'],
    [[[0], [1], [2]], { 'chain.blocks': 1 }, 'hosted says where all layers are, and chain.blocks'],
  ])('are refused in one line: %j', (hosted, set, line) => {
    const options = { ...WORLD, peers: 3, hosted, set }
    expect(() => simulate('calm', options)).toThrow(line)
  })

  test('are refused of a swarm that grows', () => {
    const options = { ...WORLD, peers: 2, hosted: [[0], [1]] }
    expect(() => simulate('lanes', options)).toThrow('lanes has swarms of several sizes')
  })

  test('are what they host, and decide how many of them an image visits', () => {
    const run = (hosted: Hosted) => simulate('calm', { ...WORLD, peers: 8, hosted, set: EVEN })
    const [four, five] = [PAIRS, FIVE].map((hosted) => run(hosted))
    const visits = (report = four) => report?.policies['any-order']?.visitsPerRequest ?? 0
    expect(visits()).toBeGreaterThanOrEqual(4)
    expect(visits()).toBeLessThan(4.5)
    expect(visits(five)).toBeGreaterThanOrEqual(5)
    expect(four?.broken).toBe(0)
    expect(four?.protocol).toBe("production's protocol")
    // A chain in the trained order of eight layers meets the same hosts.
    const chain = simulate('calm', {
      ...WORLD,
      peers: 8,
      hosted: PAIRS,
      set: EVEN,
      policy: 'fixed-order',
    })
    expect(chain.policies['fixed-order']).toMatchObject({
      answeredShare: 1,
      visitsPerRequest: null,
    })
  }, 120_000)

  test('stand in the line that repeats the run', () => {
    const { replay } = simulate('calm', { ...WORLD, peers: 2, requests: 1, hosted: [[0, 1], [2]] })
    expect(replay).toBe(
      'npx layerswarm simulate calm --peers 2 --requests 1 --seed 3 --policy any-order --hosted 0,1/2',
    )
  })
})
