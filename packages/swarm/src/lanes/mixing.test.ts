import { describe, expect, test } from 'vitest'
import { PEERS_MAX, RELEASE_AGAIN_MS, RELEASES_JUDGED_BURST } from '../limits.ts'
import { anyPresence } from '../testing/any-presence.ts'
import type { PeerId } from '../wire/messages.ts'
import { Mixing } from './mixing.ts'

const shape = { layers: 4, tokens: 5, width: 8, fileDistance: 0.01 }
const [lane, own, other] = ['11'.repeat(32), '22'.repeat(32), '33'.repeat(32)] as [
  string,
  string,
  string,
]
const peer = (number: number) => `p${number}` as PeerId
const mixing = () =>
  new Mixing({ release: lane, shape, weights: { release: own, fileDistance: 0.02 } })
const said = (weights?: string) =>
  anyPresence({ release: lane, ...(weights === undefined ? {} : { weights }) })

describe('the releases of a lane', () => {
  test('are its own and this member’s, and others once they were judged', () => {
    const one = mixing()
    expect([undefined, own, other].map((weights) => one.takes(weights))).toEqual([
      true,
      true,
      false,
    ])
    expect([undefined, own].map((weights) => one.fileDistance(weights))).toEqual([0.01, 0.02])
    expect(one.isOpen([{}, { weights: other }])).toBe(true)
    expect(one.look([{}, { weights: other }, { weights: other }], 0)).toEqual([
      { do: 'judge-release', release: other },
    ])
    expect(one.look([{ weights: other }], 1)).toEqual([])
    expect(one.judged(other, { fileDistance: 0.03 }, 2)).toEqual([
      { do: 'report', event: { type: 'release-mixed', release: other } },
    ])
    expect(one.fault([{}, { weights: own }, { weights: other }])).toBeUndefined()
    expect(one.fileDistance(other)).toBe(0.03)
  })

  test('do not include the lane’s under another name', () => {
    const one = mixing()
    expect(one.isOpen([{ weights: lane }])).toBe(false)
    expect(one.look([{ weights: lane }], 0)).toEqual([])
    expect(one.fault([{ weights: lane }])).toContain("the lane's release")
  })

  test('leave out what does not mix for good, and look again at what could not be read', () => {
    const one = mixing()
    one.look([{ weights: other }], 0)
    const skipped = { type: 'release-skipped', release: other, reason: 'away' }
    expect(one.judged(other, { fault: 'away', isFinal: false }, 0)).toEqual([
      { do: 'report', event: skipped },
    ])
    expect(one.isOpen([{ weights: other }])).toBe(false)
    expect(one.fault([{ weights: other }])).toContain('333333333333')
    expect(one.look([{ weights: other }], RELEASE_AGAIN_MS - 1)).toEqual([])
    expect(one.look([{ weights: other }], RELEASE_AGAIN_MS)).toHaveLength(1)
    one.judged(other, { fault: 'other classes', isFinal: true }, RELEASE_AGAIN_MS)
    expect(one.look([{ weights: other }], 10 * RELEASE_AGAIN_MS)).toEqual([])
  })

  test('are known of whoever hosts them, also when it is gone; whoever waits is heard when they are judged', () => {
    const one = mixing()
    expect(one.hear(peer(1), said())).toBe(true)
    expect(one.hear(peer(2), said(own))).toBe(true)
    expect(one.hear(peer(3), said(other))).toBe(false)
    expect([1, 2, 3].map((at) => one.weightsOf(peer(at)))).toEqual([undefined, own, other])
    expect(one.skipped()).toEqual([peer(3)])
    one.judged(other, { fileDistance: 0 }, 0)
    expect(one.takeWaiting(other)).toEqual([[peer(3), said(other)]])
    expect(one.takeWaiting(other)).toEqual([])
    expect(one.skipped()).toEqual([])
    expect(one.hear(peer(3), said())).toBe(true)
    expect(one.weightsOf(peer(3))).toBeUndefined()
  })

  test('are bounded, however many are made up', () => {
    const one = mixing()
    let judged = 0
    for (let i = 0; i < 3 * PEERS_MAX; i++) {
      const weights = i.toString(16).padStart(64, '0')
      one.hear(peer(i), said(weights))
      judged += one.look([{ weights }], 0).length
    }
    expect(judged).toBe(RELEASES_JUDGED_BURST)
    expect(one.skipped()).toHaveLength(PEERS_MAX)
  })
})
