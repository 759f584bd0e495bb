import { describe, expect, test } from 'vitest'
import { GOSSIP_STREAM_HEARTBEATS_MAX } from '../limits.ts'
import { keepSpeaking, type Speaking } from './gossip-streams.ts'

/** A gossipsub that opens a stream where it is told that it succeeds, once that is said. */
function gossip(...names: string[]) {
  const listeners = new Set<() => void>()
  const attempts: { name: string; over: string; end(opened: boolean, status?: string): void }[] = []
  const streamsOutbound = new Map<string, { rawStream: { status: string } }>()
  const taken: string[] = []
  const pubsub: Speaking<string> = {
    onPeerConnected(neighbour, connection) {
      taken.push(neighbour.toString())
      void pubsub.createOutboundStream(neighbour, connection)
    },
    streamsOutbound,
    createOutboundStream: (neighbour, over) =>
      new Promise((resolve) => {
        const name = neighbour.toString()
        const end = (opened: boolean, status = 'open') => {
          if (opened) streamsOutbound.set(name, { rawStream: { status } })
          resolve()
        }
        attempts.push({ name, over, end })
      }),
    addEventListener: (_, listener) => listeners.add(listener),
    removeEventListener: (_, listener) => listeners.delete(listener),
  }
  const connections = new Map(names.map((name) => [name, `to ${name}`]))
  const end = keepSpeaking(pubsub, (name) => connections.get(name))
  /** What waits for an attempt that has ended goes on. */
  async function settled(): Promise<void> {
    for (let turn = 0; turn < 10; turn++) await Promise.resolve()
  }
  async function beat(): Promise<void> {
    for (const listener of listeners) listener()
    await settled()
  }
  const tried = () => attempts.map(({ name, over }) => `${name} ${over}`)
  return {
    pubsub,
    taken,
    streamsOutbound,
    attempts,
    tried,
    connections,
    end,
    beat,
    settled,
    listeners,
  }
}

describe('gossip', () => {
  test('speaks to others while one does not answer', async () => {
    const { pubsub, attempts, tried } = gossip('stopped', 'quick')
    // As its queue does it: the next when what this returns is over.
    for (const name of ['stopped', 'quick']) await pubsub.createOutboundStream(name, `to ${name}`)
    expect(tried()).toEqual(['stopped to stopped', 'quick to quick'])
    expect(attempts).toHaveLength(2)
  })

  test('opens one stream at a time to each neighbour', async () => {
    const { pubsub, tried, beat } = gossip('a')
    await pubsub.createOutboundStream('a', 'first')
    await pubsub.createOutboundStream('a', 'second')
    await beat()
    expect(tried()).toEqual(['a first'])
  })

  test('takes the connection that there is when a stream has ended with an older one', async () => {
    const { pubsub, streamsOutbound, attempts, tried, connections, beat } = gossip('a')
    await pubsub.createOutboundStream('a', 'old')
    attempts[0]?.end(true)
    await beat()
    expect(tried()).toEqual(['a old'])
    streamsOutbound.delete('a')
    connections.set('a', 'new')
    await beat()
    expect(tried()).toEqual(['a old', 'a new'])
  })

  test('tries again after a failure, ever more rarely, and at once after a success', async () => {
    const { pubsub, streamsOutbound, attempts, beat, settled } = gossip('a')
    await pubsub.createOutboundStream('a', 'x')
    const waits: number[] = []
    for (let failure = 0; failure < 7; failure++) {
      const { length } = attempts
      attempts.at(-1)?.end(false)
      await settled()
      let beats = 0
      for (; attempts.length === length; beats++) await beat()
      waits.push(beats)
    }
    expect(waits).toEqual([1, 2, 4, 8, 16, GOSSIP_STREAM_HEARTBEATS_MAX, 16])
    attempts.at(-1)?.end(true)
    await settled()
    streamsOutbound.clear()
    await beat()
    expect(attempts).toHaveLength(9)
  })

  test('opens another stream where one was reset before gossip had taken it', async () => {
    const { pubsub, streamsOutbound, attempts, beat, settled } = gossip('a')
    await pubsub.createOutboundStream('a', 'x')
    attempts[0]?.end(true, 'reset')
    await settled()
    await beat()
    expect([attempts.length, streamsOutbound.size]).toEqual([2, 0])
    attempts[1]?.end(true)
    await settled()
    await beat()
    expect([attempts.length, streamsOutbound.size]).toEqual([2, 1])
  })

  test('leaves those alone that are gone, and who has never spoken it', async () => {
    const { pubsub, attempts, taken, connections, beat } = gossip('gone', 'silent')
    await pubsub.createOutboundStream('gone', 'x')
    attempts[0]?.end(false)
    connections.delete('gone')
    for (let i = 0; i < 3; i++) await beat()
    expect([attempts.length, taken]).toEqual([1, []])
    // And starts over with one that comes back.
    connections.set('gone', 'y')
    await beat()
    expect(taken).toEqual([])
  })

  test('is left as it was at the end', async () => {
    const { pubsub, end, beat, tried, listeners } = gossip('a')
    end()
    await beat()
    expect([tried(), listeners.size]).toEqual([[], 0])
    void pubsub.createOutboundStream('a', 'x')
    expect(tried()).toEqual(['a x'])
  })
})
