import { describe, expect, test } from 'vitest'
import { PRESENCE_TTL_MS } from '../limits.ts'
import { createLaneReach } from './lane-reach.ts'

const linked = (links: number) => ({ links, leaving: false })

describe('the reach of a lane’s members', () => {
  test('is complete for one that is connected to all the others', () => {
    const reach = createLaneReach()
    // The lane: a, b, c and this peer.
    reach.announced('a', linked(3), 0)
    reach.announced('b', linked(3), 0)
    reach.announced('c', linked(2), 0)
    expect(['a', 'b', 'c'].map((member) => reach.heardByAll(member, 1))).toEqual([
      true,
      true,
      false,
    ])
  })

  test('is doubted for strangers, and for everybody once a newcomer is known', () => {
    const reach = createLaneReach()
    reach.announced('a', linked(1), 0)
    expect(reach.heardByAll('a', 1)).toBe(true)
    expect(reach.heardByAll('stranger', 1)).toBe(false)
    reach.announced('newcomer', linked(0), 2)
    expect(reach.heardByAll('a', 3)).toBe(false)
    reach.announced('a', linked(2), 4)
    expect(reach.heardByAll('a', 5)).toBe(true)
  })

  test('forgets who is gone or has been silent for as long as a presence lives', () => {
    const reach = createLaneReach()
    reach.announced('a', linked(1), 0)
    reach.announced('b', linked(2), 5)
    reach.gone('b')
    reach.announced('c', linked(3), 5)
    reach.announced('c', { links: 3, leaving: true }, 6)
    expect(reach.heardByAll('a', 6)).toBe(true)
    expect(reach.heardByAll('a', PRESENCE_TTL_MS)).toBe(false)
  })

  test('forgets whoever has been silent for longest when there is no room', () => {
    const reach = createLaneReach(2)
    reach.announced('a', linked(2), 0)
    reach.announced('b', linked(2), 1)
    reach.announced('a', linked(2), 2)
    reach.announced('c', linked(2), 3)
    expect(['a', 'b', 'c'].map((member) => reach.knows(member, 4))).toEqual([true, false, true])
  })
})
