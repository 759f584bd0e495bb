import { expect, test } from 'vitest'
import { anyStep } from '../testing/any-step.ts'
import type { PeerId } from '../wire/messages.ts'
import { Audit } from './audit.ts'
import { FAILURES_MAX, RECOUNTS_MAX } from './limits.ts'

const [a, b, c, d] = ['a', 'b', 'c', 'd'] as PeerId[] as [PeerId, PeerId, PeerId, PeerId]
const job = (number: number) => ({ owner: 'audit', number }) as const

function audit() {
  const stretch = { before: anyStep(), after: anyStep(), peers: [a], layers: [1] }
  return new Audit(stretch, false, { input: job(1), output: job(2) }, 0)
}

/** Results are numbers here, and those agree that are equal. */
const result = (peer: PeerId, number: number) => ({
  peers: [peer],
  tensor: { dtype: 'int8', shape: [1, 1, 1], bytes: Uint8Array.of(number) } as const,
})
const agree = (one: { bytes: Uint8Array }, other: { bytes: Uint8Array }) =>
  one.bytes[0] === other.bytes[0]

test('two results that agree are right, and whoever differs is wrong', () => {
  const one = audit()
  expect(one.add(result(a, 7), agree)).toBeUndefined()
  expect(one.add(result(b, 7), agree)).toEqual({ right: [[a], [b]], wrong: [] })
  const other = audit()
  other.add(result(a, 9), agree)
  expect(other.add(result(b, 7), agree)).toBeUndefined()
  expect(other.isDisputed).toBe(true)
  expect(other.add(result(c, 7), agree)).toEqual({ right: [[b], [c]], wrong: [[a]] })
})

test('a false auditor is outvoted like anybody else, and several that differ outvote nobody', () => {
  const one = audit()
  one.add(result(a, 7), agree)
  one.add(result(b, 1), agree)
  expect(one.add(result(c, 2), agree)).toBeUndefined()
  expect(one.heard).toEqual([a, a, b, c])
  expect(one.add(result(d, 7), agree)).toEqual({ right: [[a], [d]], wrong: [[b], [c]] })
})

test('recomputations are bounded, and those that come to nothing more so', () => {
  const one = audit()
  const taken = Array.from({ length: RECOUNTS_MAX + 2 }, () => one.takeRecount())
  expect(taken.filter(Boolean)).toHaveLength(RECOUNTS_MAX)
  const other = audit()
  for (let i = 0; i <= FAILURES_MAX; i++) {
    expect(other.takeRecount()).toBe(true)
    other.failed()
  }
  expect(other.takeRecount()).toBe(false)
})
