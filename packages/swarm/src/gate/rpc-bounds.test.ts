import { describe, expect, test } from 'vitest'
import { boundRpcs, type Rpc } from './rpc-bounds.ts'

/** A gossipsub that notes what it is to do, for which a frame of one byte is none. */
function gossip({ heeds = true } = {}) {
  const pubsub = {
    handled: [] as Rpc[],
    decodeRpc(bytes: Uint8Array): Rpc {
      if (bytes.length === 1) throw new Error('of too many parts')
      return { subscriptions: [], messages: ['said'], control: { graft: ['a', 'b'], ihave: ['c'] } }
    },
    async handleReceivedRpc(_: { toString(): string }, rpc: Rpc) {
      this.handled.push(rpc)
    },
  }
  const blamed: string[] = []
  const asked: [string, number][] = []
  const end = boundRpcs(pubsub, {
    heeds: (neighbour, parts) => {
      asked.push([neighbour, parts])
      return heeds
    },
    blame: (neighbour, fault) => void blamed.push(`${neighbour}: ${fault}`),
  })
  const bring = (bytes: number) =>
    pubsub.handleReceivedRpc('anna', pubsub.decodeRpc(new Uint8Array(bytes)))
  return { pubsub, blamed, asked, end, bring }
}

describe('a frame of gossip', () => {
  test('is heeded while its neighbour says no more than it may', async () => {
    const { pubsub, blamed, asked, bring } = gossip()
    await bring(2)
    expect(asked).toEqual([['anna', 3]])
    expect(pubsub.handled.map(({ control }) => control?.graft)).toEqual([['a', 'b']])
    expect(blamed).toEqual([])
  })

  test('of control beyond that is blamed, and only its messages are heard', async () => {
    const { pubsub, blamed, bring } = gossip({ heeds: false })
    await bring(2)
    expect(pubsub.handled).toEqual([{ subscriptions: [], messages: ['said'] }])
    expect(blamed).toEqual(['anna: more control of gossip than anybody needs'])
  })

  test('that cannot be read is blamed on whoever sent it', async () => {
    const { pubsub, blamed, asked, bring } = gossip()
    await bring(1)
    expect(pubsub.handled).toEqual([])
    expect(asked).toEqual([])
    expect(blamed).toEqual(['anna: gossip that cannot be read'])
  })

  test('without control is not counted', async () => {
    const { pubsub, asked } = gossip({ heeds: false })
    await pubsub.handleReceivedRpc('anna', { subscriptions: [], messages: ['said'], control: {} })
    expect(asked).toEqual([])
    expect(pubsub.handled).toHaveLength(1)
  })

  test('is nobody’s concern when that has ended', async () => {
    const { bring, end, asked } = gossip()
    end()
    await bring(2)
    expect(() => bring(1)).toThrow('too many parts')
    expect(asked).toEqual([])
  })
})
