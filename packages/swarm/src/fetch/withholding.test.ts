import { describe, expect, test } from 'vitest'
import { anyStep, heldTensor, stepAfter } from '../testing/any-step.ts'
import type { PeerId } from '../wire/messages.ts'
import { AVOIDED_FOR_MS, AVOIDED_TURNS_MAX, GIVERS_MAX } from './limits.ts'
import { Withholding } from './withholding.ts'

const [self, a, b, c] = ['self', 'a', 'b', 'c'] as PeerId[] as [PeerId, PeerId, PeerId, PeerId]
const heldBy = (holder: PeerId) => anyStep({ activation: heldTensor(holder) })

describe('a peer whose results do not arrive', () => {
  test('is avoided by the word of two, not by that of one, however often', () => {
    const withholding = new Withholding(self)
    for (let i = 0; i < 50; i++) withholding.inVain(heldBy(a), b, 0)
    expect(withholding.avoided(0)).toEqual([])
    withholding.inVain(heldBy(a), self, 0)
    expect(withholding.avoided(0)).toEqual([a])
    expect(withholding.isAvoided(a, 0)).toBe(true)
    expect(withholding.isAvoided(b, 0)).toBe(false)
  })

  test('is suspect from its second such result on, until it hands most over again', () => {
    const withholding = new Withholding(self)
    withholding.inVain(heldBy(a), b, 0)
    expect(withholding.isSuspect(a)).toBe(false)
    withholding.inVain(heldBy(a), b, 0)
    expect(withholding.isSuspect(a)).toBe(true)
    for (let i = 0; i < 4; i++) withholding.had(heldBy(a), c)
    expect(withholding.isSuspect(a)).toBe(false)
  })

  test('that this member itself waited for in vain is avoided by that alone', () => {
    const withholding = new Withholding(self)
    for (let i = 0; i < 2; i++) withholding.inVain(heldBy(a), self, 0)
    expect(withholding.avoided(0)).toEqual([a])
  })

  test('has another chance after half a minute, and is avoided for longer each time', () => {
    const withholding = new Withholding(self)
    let [nowMs, lastMs] = [0, 0]
    for (let turn = 0; turn < AVOIDED_TURNS_MAX + 2; turn++) {
      for (const by of [b, c]) withholding.inVain(heldBy(a), by, nowMs)
      const untilMs = nowMs + AVOIDED_FOR_MS * 2 ** Math.min(turn, AVOIDED_TURNS_MAX)
      expect(withholding.avoided(untilMs - 1)).toEqual([a])
      expect(withholding.avoided(untilMs)).toEqual([])
      expect(untilMs - nowMs).toBeGreaterThanOrEqual(lastMs)
      lastMs = untilMs - nowMs
      nowMs = untilMs
    }
  })

  test('is not avoided where most of them do', () => {
    const withholding = new Withholding(self)
    for (let i = 0; i < 100; i++) {
      withholding.followed(anyStep(), stepAfter([a, c], { requester: self }))
      withholding.had(heldBy(a), self)
      withholding.inVain(heldBy(a), i % 2 === 0 ? b : c, 0)
      expect(withholding.avoided(0)).toEqual([])
    }
  })

  test('is forgiven by whom it hands a result to later', () => {
    const withholding = new Withholding(self)
    withholding.inVain(heldBy(a), b, 0)
    withholding.followed(
      stepAfter([a], { requester: self }),
      stepAfter([a, b], { requester: self }),
    )
    for (let i = 0; i < 50; i++) withholding.inVain(heldBy(a), c, 0)
    expect(withholding.avoided(0)).toEqual([])
  })
})

test('nobody is avoided for what it holds itself, or this member does', () => {
  const withholding = new Withholding(self)
  for (const by of [a, b, c, self]) {
    withholding.inVain(heldBy(self), by, 0)
    withholding.inVain(heldBy(by), by, 0)
  }
  expect(withholding.avoided(0)).toEqual([])
})

test('of many the one known for longest makes room', () => {
  const withholding = new Withholding(self)
  for (let i = 0; i <= GIVERS_MAX; i++)
    for (const by of [b, c]) withholding.inVain(heldBy(`giver ${i}` as PeerId), by, 0)
  expect(withholding.avoided(0)).toHaveLength(GIVERS_MAX)
  expect(withholding.isAvoided('giver 0' as PeerId, 0)).toBe(false)
})
