import { expect, test } from 'vitest'
import { SILENT_MAX } from '../limits.ts'
import { stepAfter } from '../testing/any-step.ts'
import type { PeerId } from '../wire/messages.ts'
import { Flight } from './flight.ts'

const peers = ['a', 'b', 'c', 'd'] as PeerId[]
const requester = 'requester' as PeerId
const [a, b] = peers as [PeerId, PeerId]

test('whoever was waited for in vain is doubted by all who go on with the request', () => {
  const flight = new Flight(stepAfter([], { requester, silent: [a] }), 0)
  expect(flight.doubts.isDoubted(a)).toBe(true)
  flight.advance(stepAfter([a], { requester, silent: [b] }), 10)
  expect(peers.map((peer) => flight.doubts.isDoubted(peer))).toEqual([true, true, false, false])
  expect(flight.message(a, 20).silent).toEqual([a, b])
  flight.repeat(stepAfter([a], { requester, silent: peers.slice(2, 3) }), 30)
  expect(flight.message(a, 40).silent).toEqual(['a', 'b', 'c'])
})

test('a step names the latest of them, as many as a message may', () => {
  const flight = new Flight(stepAfter([], { requester }), 0)
  for (const peer of peers) flight.doubts.letDownBy(peer)
  expect(flight.message(a, 0).silent).toEqual(peers.slice(-SILENT_MAX))
  flight.doubts.declinedBy('e' as PeerId)
  expect(flight.message(a, 0).silent).not.toContain('e')
})
