import { expect, test } from 'vitest'
import { Withholding } from '../fetch/withholding.ts'
import { CLASSIFY_POLICY_DEFAULT } from '../request.ts'
import { anyStep, heldTensor, stepAfter } from '../testing/any-step.ts'
import type { Claim, PeerId } from '../wire/messages.ts'
import { Losses } from './losses.ts'
import { Pending } from './pending.ts'

const requester = 'requester' as PeerId
const [a, b, c] = ['a', 'b', 'c'] as PeerId[] as [PeerId, PeerId, PeerId]

const lossBy = (losses: Losses, wanted: Pending, by: PeerId): boolean =>
  losses.counts(wanted, by, lossOf(wanted), 0)

/** A word that the newest tensor of a request is lost. */
function lossOf({ request, newest }: Pending): Claim {
  const { era, route } = newest
  return { kind: 'claim', request, era, hop: route.length, layer: 0, ttlMs: 0, lost: true }
}

const lossesSeenBy = (self: PeerId) => {
  const withholding = new Withholding(self)
  return { withholding, losses: new Losses(withholding) }
}

/** A request that stands at a step of `a`, who named this one. */
function pending(next: PeerId | undefined, route: PeerId[] = [a]) {
  const stem = anyStep({ requester, activation: heldTensor(requester) })
  const wanted = new Pending(
    stem,
    { policy: CLASSIFY_POLICY_DEFAULT, startedMs: 0 },
    { scoringMs: () => 0, barred: () => [] },
    0,
  )
  wanted.advance(stepAfter(route, { requester, next }), 10)
  return wanted
}

test('one peer’s word of a loss counts once per request', () => {
  const { losses } = lossesSeenBy(requester)
  const wanted = pending(b, [c, a])
  expect([lossBy(losses, wanted, b), lossBy(losses, wanted, b)]).toEqual([true, false])
  expect(lossBy(losses, wanted, c)).toBe(true)
  losses.end(wanted.request)
  expect(lossBy(losses, wanted, b)).toBe(true)
})

test('where nobody is named, nothing more is taken of a holder whose tensor was lost', () => {
  const { losses } = lossesSeenBy(requester)
  const open = pending(undefined)
  expect(losses.isRefused(open, stepAfter([a, a], { requester }))).toBe(false)
  lossBy(losses, open, b)
  expect(losses.isRefused(open, stepAfter([a, a], { requester }))).toBe(true)
  expect(losses.isRefused(open, stepAfter([a, c], { requester }))).toBe(false)
  expect(losses.isRefused(pending(a), stepAfter([a, a], { requester }))).toBe(false)
})

test('whoever calls everything lost is not believed, except of a holder that hands nothing out', () => {
  const { losses, withholding } = lossesSeenBy(requester)
  for (const holder of ['d', 'e'] as PeerId[]) {
    const wanted = pending(b, [holder])
    expect(lossBy(losses, wanted, b)).toBe(true)
    losses.end(wanted.request)
  }
  expect(lossBy(losses, pending(b), b)).toBe(false)
  expect(lossBy(losses, pending(c), c)).toBe(true)
  withholding.inVain(stepAfter([a], { requester }), requester, 0)
  expect(lossBy(losses, pending(b), b)).toBe(true)
})

test('only whoever was named speaks against a holder', () => {
  const { losses, withholding } = lossesSeenBy(requester)
  lossBy(losses, pending(b, [c, a]), c)
  lossBy(losses, pending(b), b)
  expect(withholding.avoided(0)).toEqual([])
})

test('of one request a peer speaks against each holder once', () => {
  const { losses, withholding } = lossesSeenBy(requester)
  const other = 'other' as PeerId
  for (let request = 0; request < 8; request++)
    withholding.followed(pending(b, [c]).newest, stepAfter([a, b, a, other], { requester }))
  const wanted = pending(b, [c, a])
  const open = pending(other, [c, a])
  for (let said = 0; said < 20; said++) {
    lossBy(losses, wanted, b)
    lossBy(losses, open, other)
  }
  expect(withholding.isSuspect(a)).toBe(false)
  expect(withholding.avoided(0)).toEqual([])
})
