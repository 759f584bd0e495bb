import { describe, expect, test } from 'vitest'
import { Conduct } from '../claims/conduct.ts'
import { layerSet } from '../claims/layer-set.ts'
import type { Favourite } from '../claims/policy.ts'
import { Uplink } from '../fetch/uplink.ts'
import { neighbourOf } from '../presence/near.ts'
import { anyPresence } from '../testing/any-presence.ts'
import { loneView } from '../testing/lone-view.ts'
import type { PeerId } from '../wire/messages.ts'
import {
  PATIENCE_GROWTH,
  PATIENCE_MAX,
  RELAY_MS,
  RESPONSE_SLACK_MS,
  STRANGER_FACTOR,
} from './limits.ts'
import { Patience } from './patience.ts'

const self = 'self' as PeerId
const next = 'next' as PeerId
const RTT_MS = 20
const UPLOAD = 100
const DOWNLOAD = 400

/** The patience of an author that sends 100 bytes per millisecond to a peer 20 ms away, which receives 400. */
function patience(uplink = new Uplink()): Patience {
  const { table, ways } = loneView(self, [next], RTT_MS, { upload: UPLOAD, download: undefined })
  const presence = anyPresence({ download: DOWNLOAD, near: [neighbourOf(self, RTT_MS, true)] })
  table.hear(next, presence, 0)
  return new Patience(self, { ways, conduct: new Conduct(), uplink })
}

function favourite(isAgain = false, pending = 0): Favourite {
  const host = {
    peer: next,
    mark: 0,
    layers: layerSet([2, 3]),
    layersMost: 2,
    layerMs: 5,
    isMeasured: true,
    pending,
    isReachable: true,
    isProven: true,
    isOwed: false,
    doubt: 0,
    extraMs: 0,
    transferMs: 0,
  }
  return { host, isTrial: false, isAgain }
}

const small = { bytes: 0, layers: 2 }
const answerMs = 2 * RTT_MS + RESPONSE_SLACK_MS

describe('an author waits', () => {
  test('two round trips and twice the runs, those that wait there included, for who is sent little', () => {
    expect(patience().sends(favourite(), small, 1_000)).toEqual({
      expectedMs: RTT_MS + 10,
      dueAtMs: 1_000 + answerMs + 20,
    })
    expect(patience().sends(favourite(false, 2), small, 1_000).expectedMs).toBe(RTT_MS + 20)
  })

  test('twice as long for the answer of somebody who was silent before', () => {
    const dueAtMs = (isAgain: boolean) => patience().sends(favourite(isAgain), small, 0).dueAtMs
    expect(dueAtMs(true) - dueAtMs(false)).toBe(2 * RTT_MS)
  })

  test('for the word of who is given long work, not for its end', () => {
    const long = { bytes: 4_000, layers: 2 }
    // 40 ms through the own access, 10 through the other.
    expect(patience().sends(favourite(), long, 0).dueAtMs).toBe(answerMs + 20 + 2 * 50)
    const longer = patience().sends(favourite(), { bytes: 4_000, layers: 100 }, 0)
    expect(longer.dueAtMs).toBe(answerMs + 20 + 2 * 50)
  })

  test('for what was sent before, which its uplink carries first', () => {
    const one = patience()
    const long = { bytes: 4_000, layers: 2 }
    const first = one.sends(favourite(), long, 0).dueAtMs
    expect(one.backlogMs(0)).toBe(40)
    expect(one.sends(favourite(), long, 0).dueAtMs).toBe(first + 40)
    expect([one.backlogMs(0), one.backlogMs(70), one.backlogMs(90)]).toEqual([80, 10, 0])
    expect(one.relayDueAtMs(next, 4_000, 70)).toBe(70 + RELAY_MS + 2 * RTT_MS + 2 * 50 + 10)
    // A pause is not saved up.
    one.sends(favourite(), long, 1_000)
    expect(one.backlogMs(1_000)).toBe(40)
  })

  test('for copies of its rounds too, which share its uplink', () => {
    const uplink = new Uplink()
    const one = patience(uplink)
    uplink.take(300, 0)
    expect(one.backlogMs(100)).toBe(200)
    const alone = patience().sends(favourite(), small, 100).dueAtMs
    expect(one.sends(favourite(), small, 100).dueAtMs).toBe(alone + 200)
  })

  test('longer after each that was given up and answers after all, up to a bound, and less again in time', () => {
    const one = patience()
    const waitsMs = () => one.sends(favourite(), small, 0).dueAtMs - 20
    one.answered(true)
    expect(waitsMs()).toBeCloseTo(PATIENCE_GROWTH * answerMs)
    for (let i = 0; i < 100; i++) one.answered(true)
    expect(waitsMs()).toBeCloseTo(PATIENCE_MAX * answerMs)
    one.answered(false)
    expect(waitsMs()).toBeLessThan(PATIENCE_MAX * answerMs)
    for (let i = 0; i < 10_000; i++) one.answered(false)
    expect(waitsMs()).toBeCloseTo(answerMs)
  })

  test('no longer than its work may take for a stranger on trial, when that can be judged', () => {
    const one = patience()
    const most = (isTrial: boolean, isMeasured: boolean) =>
      one.mostMs(next, { isTrial, isMeasured, expectedMs: 10 })
    expect(most(true, true)).toBe(STRANGER_FACTOR * 10 + RESPONSE_SLACK_MS)
    expect(most(true, false)).toBe(most(false, true))
    expect(most(false, true)).toBeGreaterThan(most(true, true))
  })
})
