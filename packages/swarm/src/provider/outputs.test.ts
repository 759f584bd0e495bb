import { describe, expect, test } from 'vitest'
import { SAY_AGAIN_MS } from '../limits.ts'
import { ANY_SIGNATURE } from '../testing/any-chain.ts'
import { heldTensor, stepAfter } from '../testing/any-step.ts'
import type { PeerId, RequestId } from '../wire/messages.ts'
import { Flight } from './flight.ts'
import { Outputs } from './outputs.ts'
import { Visit } from './visit.ts'

const self = 'self' as PeerId
const first = 'first' as PeerId
const requester = 'requester' as PeerId
const other = '2'.repeat(32) as RequestId

const outputs = () => new Outputs({ self, backend: 'reference' })
const flightOf = (peers: readonly PeerId[], given = {}) =>
  new Flight(stepAfter(peers, { requester, ...given }), 0)

function visitOf(flight: Flight): Visit {
  const id = { owner: 'provider' as const, number: 1 }
  const visit = new Visit({ id, flight, layers: [3, 1], isReached: true })
  visit.ran(7)
  visit.ran(8)
  return visit
}

describe('outputs', () => {
  test('are all withdrawn when the request ends, once', () => {
    const one = outputs()
    const flight = flightOf([first])
    for (const hash of ['one', 'three']) one.keep(flight, heldTensor(self, hash))
    one.keep(flightOf([first], { request: other }), heldTensor(self, 'two'))
    const withdrawn = (of: RequestId) =>
      one.release(of).map((effect) => 'hash' in effect && effect.hash)
    expect(withdrawn(flight.request)).toEqual(['one', 'three'])
    expect(withdrawn(flight.request)).toEqual([])
    expect(withdrawn(other)).toEqual(['two'])
  })

  test('in a message need no keeping', () => {
    const one = outputs()
    const flight = flightOf([first])
    const { holder, hash, size, ...tensor } = heldTensor(self, 'one')
    one.keep(flight, { ...tensor, place: 'inline', bytes: new Uint8Array(size) })
    expect(one.release(flight.request)).toEqual([])
  })

  test('become a step that goes on from the one of the visit, in its era, with what is left of the time', () => {
    const one = outputs()
    const flight = flightOf([first], { era: 2, next: self })
    const visit = visitOf(flight)
    flight.beginEra({ era: 3, hop: 1, barred: [], signature: ANY_SIGNATURE })
    expect(one.stepOf(visit, heldTensor(self, 'made'), 5_000)).toMatchObject({
      era: 2,
      next: undefined,
      silent: [],
      barred: [],
      input: 'after 1',
      remainingMs: 15_000,
      activation: { hash: 'made' },
      route: [
        { layer: 0, peer: first },
        { layer: 3, peer: self, ms: 7 },
        { layer: 1, peer: self, ms: 8 },
      ],
    })
    expect(one.release(flight.request)).toMatchObject([{ do: 'withdraw', hash: 'made' }])
  })
})

describe('a step that is behind', () => {
  test('is answered by whoever made the newer one, not at once and not twice', () => {
    const one = outputs()
    const flight = flightOf([first])
    flight.advance(one.stepOf(visitOf(flight), heldTensor(self, 'made'), 0), 0)
    expect(one.sayAgain(flight, SAY_AGAIN_MS - 1)).toEqual([])
    expect(one.sayAgain(flight, SAY_AGAIN_MS)).toMatchObject([
      { do: 'publish', message: { kind: 'step', remainingMs: 20_000 - SAY_AGAIN_MS } },
    ])
    expect(one.sayAgain(flight, SAY_AGAIN_MS + 1)).toEqual([])
  })

  test('is answered by nobody else', () => {
    expect(outputs().sayAgain(flightOf([self, first]), 5_000)).toEqual([])
  })
})
