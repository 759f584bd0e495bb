import { expect, test } from 'vitest'
import { CLASSIFY_POLICY_DEFAULT } from '../request.ts'
import { anyStep, heldTensor, stepAfter } from '../testing/any-step.ts'
import type { PeerId } from '../wire/messages.ts'
import { Losses } from './losses.ts'
import { Pending } from './pending.ts'

const requester = 'requester' as PeerId
const [a, b, c] = ['a', 'b', 'c'] as PeerId[] as [PeerId, PeerId, PeerId]

/** A request that stands at a step of `a`, who named this one. */
function pending(next: PeerId | undefined) {
  const stem = anyStep({ requester, activation: heldTensor(requester) })
  const wanted = new Pending(
    stem,
    { policy: CLASSIFY_POLICY_DEFAULT, startedMs: 0 },
    { scoringMs: () => 0, barred: () => [] },
    0,
  )
  wanted.advance(stepAfter([a], { requester, next }), 10)
  return wanted
}

test('one peer’s word of a loss counts once per request', () => {
  const losses = new Losses()
  const wanted = pending(b)
  expect([losses.isBelieved(wanted, b), losses.isBelieved(wanted, b)]).toEqual([true, false])
  expect(losses.isBelieved(wanted, c)).toBe(true)
  losses.end(wanted.request)
  expect(losses.isBelieved(wanted, b)).toBe(true)
})

test('whoever called a tensor lost whose holder names another after that is not believed again', () => {
  const losses = new Losses()
  const wanted = pending(b)
  losses.isBelieved(wanted, b)
  losses.heard(stepAfter([a], { requester, next: b }), a)
  losses.heard(stepAfter([a], { requester, next: c }), c)
  losses.end(wanted.request)
  expect(losses.isBelieved(wanted, b)).toBe(true)
  losses.heard(stepAfter([a], { requester, next: c }), a)
  losses.end(wanted.request)
  expect(losses.isBelieved(wanted, b)).toBe(false)
})

test('where nobody is named, nothing more is taken of a holder whose tensor was lost', () => {
  const losses = new Losses()
  const open = pending(undefined)
  expect(losses.isRefused(open, stepAfter([a, a], { requester }))).toBe(false)
  losses.isBelieved(open, b)
  expect(losses.isRefused(open, stepAfter([a, a], { requester }))).toBe(true)
  expect(losses.isRefused(open, stepAfter([a, c], { requester }))).toBe(false)
  expect(losses.isRefused(pending(a), stepAfter([a, a], { requester }))).toBe(false)
})
