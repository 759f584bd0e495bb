import { describe, expect, test } from 'vitest'
import { NEIGHBOURS_MAX } from '../limits.ts'
import type { Neighbour, PeerId } from '../wire/messages.ts'
import { type Announcement, Announcing } from './announcing.ts'
import { WHOLE_PRESENCE_EVERY } from './limits.ts'
import { neighbourOf } from './near.ts'

const [a, b] = ['a', 'b'] as [PeerId, PeerId]
const HERE = '/ip4/127.0.0.1/tcp/1/p2p/me'

function open(addresses: string[] = [HERE]): Announcing {
  const known = { upload: undefined, download: undefined }
  return new Announcing(
    {
      release: 'ab'.repeat(32),
      backend: 'reference',
      addresses: () => [...addresses],
      links: () => 2,
      accessSpeed: () => known,
    },
    0,
  )
}

function announcement(near: readonly Neighbour[]): Announcement {
  return {
    lane: 0,
    layers: [1],
    freeSlots: 1,
    layerMs: 1,
    measured: true,
    strangersFail: 0.5,
    near,
  }
}

describe('the presence of a member', () => {
  test('is whole at first and once in a while, and says only what is new in between', () => {
    const announcing = open()
    const near = [neighbourOf(a, 20, false), neighbourOf(b, 100, true)]
    const said = Array.from({ length: WHOLE_PRESENCE_EVERY + 1 }, () =>
      announcing.presence(announcement(near), false),
    )
    const whole = said.filter(({ addresses }) => addresses !== undefined)
    expect(whole).toEqual([said[0], said.at(-1)])
    for (const one of whole) expect(one).toMatchObject({ near, addresses: [HERE] })
    for (const one of said.slice(1, -1)) expect(one).toMatchObject({ near: [], layers: [1] })
    expect(said.map(({ asking }) => asking)).toEqual([true, ...said.slice(1).map(() => false)])
  })

  test('names a neighbour again that is new, has delivered, or is a fifth nearer or farther', () => {
    const announcing = open()
    const say = (near: readonly Neighbour[]) => announcing.presence(announcement(near), false).near
    say([neighbourOf(a, 100, false)])
    expect(say([neighbourOf(a, 105, false)])).toEqual([])
    const farther = neighbourOf(a, 130, false)
    expect(say([farther, neighbourOf(b, undefined, false)])).toEqual([
      farther,
      neighbourOf(b, undefined, false),
    ])
    const delivered = neighbourOf(a, 130, true)
    expect(say([delivered, neighbourOf(b, 50, false)])).toEqual([
      delivered,
      neighbourOf(b, 50, false),
    ])
  })

  test('is whole when the addresses have changed, in another lane, and when somebody waits for it', () => {
    const addresses = [HERE]
    const announcing = open(addresses)
    const near = [neighbourOf(a, 20, false)]
    const say = (isAwaited = false) => announcing.presence(announcement(near), isAwaited)
    say()
    addresses.push('/ip4/127.0.0.1/tcp/2/p2p/me')
    expect(say()).toMatchObject({ near, addresses })
    expect(say().addresses).toBeUndefined()
    expect(say(true)).toMatchObject({ near, addresses })
    announcing.laneEntered(5)
    expect(say()).toMatchObject({ near, addresses, asking: true })
    addresses.length = 0
    expect(say().addresses).toEqual([])
  })

  test('is whole to a newcomer, whatever the others know, and as short as can be at the end', () => {
    const announcing = open()
    const near = [neighbourOf(a, 20, false)]
    announcing.presence(announcement(near), false)
    expect(announcing.welcome(announcement(near))).toMatchObject({ near, addresses: [HERE] })
    expect(announcing.farewell(announcement(near), true)).toMatchObject({
      near: [],
      layers: [],
      addresses: undefined,
      leaving: true,
      moving: true,
    })
    const many = Array.from({ length: NEIGHBOURS_MAX + 5 }, (_, tag) => ({ tag, way: 3 }))
    expect(announcing.welcome(announcement(many)).near).toHaveLength(NEIGHBOURS_MAX)
  })
})
