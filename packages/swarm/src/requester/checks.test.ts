import { describe, expect, test } from 'vitest'
import type { Stretch } from '../audits/stretch.ts'
import { anyStep } from '../testing/any-step.ts'
import type { Hop, PeerId, RequestId } from '../wire/messages.ts'
import { Checks } from './checks.ts'
import { CHECKED_ANSWERS_MAX } from './limits.ts'

const REQUEST = '07'.repeat(16) as RequestId
const OTHER = '08'.repeat(16) as RequestId

const hop = (layer: number, peer: string, ms = 1): Hop => ({
  layer,
  peer: peer as PeerId,
  backend: 'ort-wasm',
  ms,
})
const ROUTE = [hop(3, 'ann'), hop(1, 'ben'), hop(2, 'ben')]
const open = { isRight: true, isOpen: true }

/** The last layers of a route, as an audit has them. */
function stretch(route: readonly Hop[], layers: number): Stretch {
  const step = anyStep({ request: REQUEST, route })
  const last = route.slice(-layers)
  return {
    before: { ...step, route: route.slice(0, -layers) },
    after: step,
    peers: [...new Set(last.map(({ peer }) => peer))],
    layers: last.map(({ layer }) => layer),
  }
}

const told = (layers: number[], doubted: number[]) => [
  {
    do: 'report',
    event: { type: 'answer-checked', request: REQUEST, checked: { layers, doubted } },
  },
]

describe('what was checked of an answer', () => {
  test('is what others had run again with the same result when it was given', () => {
    const checks = new Checks()
    expect(checks.found(stretch(ROUTE.slice(0, 1), 1), open)).toEqual([])
    expect(checks.answered(REQUEST, ROUTE)).toEqual({ layers: [3], doubted: [] })
  })

  test('grows afterwards, and each thing is said once', () => {
    const checks = new Checks()
    checks.answered(REQUEST, ROUTE)
    checks.end(REQUEST)
    const late = { isRight: true, isOpen: false }
    expect(checks.found(stretch(ROUTE, 2), late)).toEqual(told([1, 2], []))
    expect(checks.found(stretch(ROUTE, 2), late)).toEqual([])
  })

  test('does not count a run of the same layers that was made anew', () => {
    const checks = new Checks()
    checks.found(stretch(ROUTE.slice(0, 1), 1), open)
    checks.found(stretch([hop(3, 'ann'), hop(1, 'ben')], 1), open)
    const again = [hop(3, 'ann', 2), hop(2, 'ben'), hop(1, 'ben')]
    expect(checks.answered(REQUEST, again)).toEqual({ layers: [], doubted: [] })
  })

  test('is doubted where others came to another result', () => {
    const checks = new Checks()
    checks.found(stretch(ROUTE, 2), { isRight: false, isOpen: true })
    expect(checks.answered(REQUEST, ROUTE)).toEqual({ layers: [], doubted: [1, 2] })
  })

  test('is doubted where its peer is outvoted, before or after, but for what was found right', () => {
    const checks = new Checks()
    const ben = 'ben' as PeerId
    checks.found(stretch(ROUTE.slice(0, 2), 1), open)
    checks.outvoted(ben, [REQUEST])
    expect(checks.answered(REQUEST, ROUTE)).toEqual({ layers: [1], doubted: [2] })
    expect(checks.outvoted('ann' as PeerId, [])).toEqual(told([1], [3, 2]))
    expect(checks.outvoted('zoe' as PeerId, [])).toEqual([])
  })

  test('is kept of no request that failed, and of the latest answers', () => {
    const checks = new Checks()
    checks.found(stretch(ROUTE, 3), open)
    checks.end(REQUEST)
    expect(checks.answered(REQUEST, ROUTE)).toEqual({ layers: [], doubted: [] })
    for (let i = 0; i < CHECKED_ANSWERS_MAX; i++)
      checks.answered(`${OTHER}${i}` as RequestId, ROUTE.slice(0, 1))
    expect(checks.found(stretch(ROUTE, 1), { isRight: true, isOpen: false })).toEqual([])
  })
})
