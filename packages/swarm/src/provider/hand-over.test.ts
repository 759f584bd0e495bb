import { describe, expect, test } from 'vitest'
import { heldTensor, stepAfter } from '../testing/any-step.ts'
import type { PeerId } from '../wire/messages.ts'
import { Flight } from './flight.ts'
import { HandOver, HandOvers } from './hand-over.ts'
import { AGAINS_MAX, HANDOVERS_MAX } from './limits.ts'

const self = 'self' as PeerId
const next = 'next' as PeerId
const other = 'other' as PeerId
const requester = 'requester' as PeerId

const chosen = { peer: next, isTrial: true, isMeasured: true, expectedMs: 30, dueAtMs: 100 }

describe('a hand-over', () => {
  test('waits for whoever is chosen, and for nobody once they are not to go on', () => {
    const one = new HandOver()
    expect([one.chosen, one.dueAtMs]).toEqual([undefined, Number.POSITIVE_INFINITY])
    one.choose(chosen)
    expect([one.chosen, one.dueAtMs]).toEqual([next, 100])
    one.waitUntil(250)
    expect(one.dueAtMs).toBe(250)
    one.release()
    expect([one.chosen, one.dueAtMs]).toEqual([undefined, Number.POSITIVE_INFINITY])
  })

  test('has so many choices, relays among them, and all of them again in a new era', () => {
    const one = new HandOver()
    for (let i = 0; i < HANDOVERS_MAX; i++) {
      expect(one.tries).toBe(i)
      if (i % 2 === 0) one.choose(chosen)
      else one.chooseRelay(other, 100)
    }
    expect(one.tries).toBeUndefined()
    one.begin()
    expect([one.tries, one.chosen, one.dueAtMs]).toEqual([0, undefined, Number.POSITIVE_INFINITY])
  })

  test('goes back only so often to those who were silent', () => {
    const one = new HandOver()
    const taken = () => Array.from({ length: AGAINS_MAX + 2 }, () => one.takeAgain())
    expect(taken().filter(Boolean)).toHaveLength(AGAINS_MAX)
    one.begin()
    expect(taken().filter(Boolean)).toHaveLength(AGAINS_MAX)
  })

  test('to somebody who only passes the tensor on is no trial', () => {
    const one = new HandOver()
    one.choose(chosen)
    one.chooseRelay(other, 200)
    expect([one.chosen, one.isTrial, one.dueAtMs]).toEqual([other, false, 200])
  })

  test('remembers everybody who was told, whoever is chosen after', () => {
    const one = new HandOver()
    one.tell([next, requester])
    one.release()
    one.begin()
    one.tell([other, requester])
    expect(one.told).toEqual([next, requester, other])
  })
})

describe('the hand-overs of a member', () => {
  test('are for newest steps that are its own, its own first step included', () => {
    const handOvers = new HandOvers(self)
    const mine = new Flight(stepAfter([other, self], { requester }), 0)
    const { holder, hash, size, ...tensor } = heldTensor(self, 'stem')
    const activation = { ...tensor, place: 'inline' as const, bytes: new Uint8Array(size) }
    const first = new Flight(stepAfter([], { requester: self, activation }), 0)
    const others = new Flight(stepAfter([self, other], { requester }), 0)
    for (const flight of [mine, first, others]) handOvers.begin(flight.request)
    expect([mine, first, others].map((flight) => handOvers.leads(flight))).toEqual([
      true,
      true,
      false,
    ])
  })

  test('are for a step of another whose tensor it holds, until that is held elsewhere', () => {
    const handOvers = new HandOvers(self)
    const passed = new Flight(
      stepAfter([other], { requester, activation: heldTensor(self, 'h') }),
      0,
    )
    handOvers.begin(passed.request).choose(chosen)
    expect(handOvers.dueMs(passed)).toBe(100)
    passed.moveTensor(heldTensor(other, 'h'))
    expect([handOvers.leads(passed), handOvers.dueMs(passed)]).toEqual([
      false,
      Number.POSITIVE_INFINITY,
    ])
  })

  test('begun anew keep whom they told; ended they are forgotten, and given back once', () => {
    const handOvers = new HandOvers(self)
    const flight = new Flight(stepAfter([self], { requester }), 0)
    handOvers.begin(flight.request).tell([next])
    handOvers.begin(flight.request).tell([other])
    expect(handOvers.isWatching).toBe(true)
    expect(handOvers.end(flight.request)?.told).toEqual([next, other])
    expect(handOvers.end(flight.request)).toBeUndefined()
    expect([handOvers.isWatching, handOvers.leads(flight)]).toEqual([false, false])
  })
})
