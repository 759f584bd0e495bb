import { expect, test } from 'vitest'
import { Conduct } from '../claims/conduct.ts'
import { directHandOver } from '../claims/direct.ts'
import { PeerTable } from '../presence/peer-table.ts'
import { stepAfter } from '../testing/any-step.ts'
import type { PeerId } from '../wire/messages.ts'
import { ClaimBook } from './claim-book.ts'
import { Flight } from './flight.ts'
import { Rivals } from './rivals.ts'

const [self, a, b, c] = ['self', 'a', 'b', 'c'] as PeerId[] as [PeerId, PeerId, PeerId, PeerId]
const requester = 'requester' as PeerId

/** Who is vouched for after a step with this route, where these have delivered before. */
function vouched(route: readonly PeerId[], proven: readonly PeerId[]): PeerId[] {
  const conduct = new Conduct()
  for (const peer of proven) conduct.delivered(peer, undefined, 0)
  const options = { self, policy: directHandOver('few'), staggerMs: 40 }
  const rivals = new Rivals(options, new PeerTable('r'), new ClaimBook(), conduct)
  rivals.superseded(
    new Flight(stepAfter([], { requester }), 0),
    stepAfter(route, { requester }),
    10,
  )
  return [a, b, c].filter((peer) => conduct.isVouched(peer))
}

test('a route vouches for whom somebody proven has gone on from, and for nobody else', () => {
  expect(vouched([a, b, c], [c])).toEqual([b])
  expect(vouched([a, b, c], [b, c])).toEqual([a, b])
  expect(vouched([a, b, c], [])).toEqual([])
  expect(vouched([a, a, c], [c])).toEqual([a])
})

test('whom this member itself has gone on from is vouched for', () => {
  expect(vouched([a, self, b], [])).toEqual([a])
})
