import { describe, expect, test } from 'vitest'
import { CLAIM_TTL_MS_MAX } from '../limits.ts'
import { neighbourOf } from '../presence/near.ts'
import { Neighbourhood } from '../presence/neighbourhood.ts'
import { anyPresence } from '../testing/any-presence.ts'
import { stepAfter } from '../testing/any-step.ts'
import type { PeerId } from '../wire/messages.ts'
import { Flight } from './flight.ts'
import { Notices } from './notices.ts'
import { Visit } from './visit.ts'

const self = 'self' as PeerId
const first = 'first' as PeerId
const next = 'next' as PeerId
const requester = 'requester' as PeerId

const noticesOf = (reached: readonly PeerId[]) =>
  new Notices(
    self,
    new Neighbourhood(self, {
      reaches: (peer) => reached.includes(peer),
      rttMs: (peer) => (reached.includes(peer) ? 20 : undefined),
    }),
  )

function visitOf(named: PeerId | undefined): Visit {
  const flight = new Flight(stepAfter([first], { requester, era: 2, next: named }), 0)
  const id = { owner: 'provider' as const, number: 1 }
  return new Visit({ id, flight, layers: [3, 1], isReached: true })
}

describe('work that a provider was named for', () => {
  const notices = noticesOf([first, requester])

  test('is told of to its author and the requester, by era, hop and the layer that it is at', () => {
    const visit = visitOf(self)
    visit.ran(5)
    expect(notices.atWork(visit, 300)).toEqual([
      {
        do: 'tell',
        message: expect.objectContaining({ era: 2, hop: 1, layer: 1, ttlMs: 300, lost: false }),
        to: [first, requester],
      },
    ])
    expect(notices.released(visit, true)).toMatchObject([
      { do: 'tell', message: { ttlMs: 0, lost: true }, to: [first, requester] },
    ])
  })

  test('is claimed for no longer than any claim may be', () => {
    expect(notices.atWork(visitOf(self), 1e9)).toMatchObject([
      { message: { ttlMs: CLAIM_TTL_MS_MAX } },
    ])
  })

  test('is nothing to tell this member itself', () => {
    const flight = new Flight(stepAfter([], { requester: self, next: self }), 0)
    expect(notices.declined(flight)).toEqual([])
  })
})

test('work that nobody was named for is the lane’s to hear of, and need not be renewed', () => {
  const notices = noticesOf([first, requester])
  expect(notices.claimed(visitOf(undefined), 300)).toMatchObject([
    { do: 'publish', message: { layer: 3, ttlMs: 300 } },
  ])
  expect(notices.released(visitOf(undefined), false)).toMatchObject([
    { do: 'publish', message: { ttlMs: 0 } },
  ])
  expect(notices.runsOn(visitOf(undefined), 5_000)).toEqual([])
  expect(notices.runsOn(visitOf(self), 5_000)).toHaveLength(1)
})

test('a sign of life of somebody who has a way to the requester is theirs to give', () => {
  const neighbourhood = new Neighbourhood(self, { reaches: () => true, rttMs: () => 20 })
  neighbourhood.hear(next, anyPresence({ near: [neighbourOf(requester, 20, true)] }))
  neighbourhood.hear(requester, anyPresence())
  const flight = new Flight(stepAfter([first, self], { requester, next }), 0)
  expect(new Notices(self, neighbourhood).alive(flight, next, { ttlMs: 500, hop: 3 })).toEqual([])
})

describe('a sign of life', () => {
  const flight = new Flight(stepAfter([first, self], { requester, next }), 0)
  const alive = { ttlMs: 500, hop: 3 }

  test('goes to the requester of whoever has no way to it, or else to the author before', () => {
    expect(noticesOf([first, next, requester]).alive(flight, next, alive)).toMatchObject([
      { do: 'tell', message: { hop: 3, ttlMs: 500 }, to: [requester] },
    ])
    expect(noticesOf([first, next]).alive(flight, next, alive)).toMatchObject([{ to: [first] }])
  })

  test('is not given when nobody could hear it, when work has ended, or to this member itself', () => {
    expect(noticesOf([next]).alive(flight, next, alive)).toEqual([])
    expect(noticesOf([first]).alive(flight, next, { ttlMs: 0, hop: 3 })).toEqual([])
    const own = new Flight(stepAfter([first], { requester: self }), 0)
    expect(noticesOf([first]).alive(own, next, alive)).toEqual([])
  })
})

describe('a tensor that is gone with its author', () => {
  const author = 'author' as PeerId
  const lost = { hop: 3 }
  const before = new Flight(stepAfter([first, self, author], { requester, next: self }), 0)
  const toldTo = (effects: ReturnType<Notices['lost']>) =>
    effects.flatMap((effect) => (effect.do === 'tell' ? effect.to : []))

  test('is told of to whoever came last before its author where that had no way to the requester', () => {
    const flight = new Flight(stepAfter([first, next, author], { requester, next: self }), 0)
    expect(noticesOf([first, next]).lost(flight, undefined, lost)).toMatchObject([
      { do: 'tell', message: { kind: 'claim', hop: 3, ttlMs: 0, lost: true }, to: [next] },
    ])
    expect(toldTo(noticesOf([first]).lost(flight, undefined, lost))).toEqual([first])
    expect(noticesOf([author]).lost(flight, undefined, lost)).toEqual([])
  })

  test('is told of by nobody else where its author had a way to the requester', () => {
    const neighbourhood = new Neighbourhood(self, { reaches: () => true, rttMs: () => 20 })
    neighbourhood.hear(author, anyPresence({ near: [neighbourOf(requester, 20, true)] }))
    expect(new Notices(self, neighbourhood).lost(before, undefined, lost)).toEqual([])
  })

  test('is passed on to the requester, or backwards along the route and never forwards', () => {
    expect(toldTo(noticesOf([first, author, requester]).lost(before, next, lost))).toEqual([
      requester,
    ])
    expect(toldTo(noticesOf([first, author]).lost(before, next, lost))).toEqual([first])
    expect(noticesOf([author]).lost(before, next, lost)).toEqual([])
  })

  test('is not passed on for ever by two who were visited in turn', () => {
    const turns = (one: PeerId) =>
      new Flight(stepAfter([first, one, next, one, next, author], { requester, next: self }), 0)
    expect(toldTo(noticesOf([first, next]).lost(turns(self), next, lost))).toEqual([first])
    expect(toldTo(noticesOf([next]).lost(turns(self), next, lost))).toEqual([])
  })

  test('is passed on by nobody who is not on its route: that was told with the whole lane', () => {
    const witnessed = new Flight(stepAfter([first, author], { requester, next }), 0)
    expect(noticesOf([first, author, requester]).lost(witnessed, next, lost)).toEqual([])
  })

  test('is known already where this member asked', () => {
    const own = new Flight(stepAfter([first], { requester: self }), 0)
    expect(noticesOf([first]).lost(own, next, lost)).toEqual([])
  })
})
