import type { Peer, PeerSnapshot } from '@layerswarm/peer'
import { idleSnapshot } from '@layerswarm/peer/snapshot'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { PAGE_DEFAULTS } from './logic/page-options.ts'
import { createSession } from './session.ts'

/** What each attempt to start meets, the next one first; then it joins. */
let failures: Error[] = []
let started = 0
let stopped = 0

vi.mock('@layerswarm/peer', () => ({
  createPeer: (): Partial<Peer> => ({
    start: async () => {
      started++
      const failure = failures.shift()
      if (failure !== undefined) throw failure
    },
    stop: async () => {
      stopped++
    },
    on: () => () => true,
    snapshot: (): PeerSnapshot => idleSnapshot('joining', 'asking the server'),
  }),
}))

beforeEach(() => {
  failures = []
  started = 0
  stopped = 0
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

const away = () =>
  Object.assign(new Error('http://a/ does not answer'), { fault: { code: 'unreachable' } })
const share = { layers: 1, time: 1 }

function setting() {
  const told: string[] = []
  let joined = 0
  const session = createSession(
    { servers: () => ['http://a/'], swarmKey: undefined },
    PAGE_DEFAULTS,
    () => undefined,
    async () => undefined,
    {
      looked: () => undefined,
      moved: () => undefined,
      joined: () => {
        joined++
      },
      left: (problem) => told.push(problem ?? 'left'),
    },
  )
  return { session, told, joined: () => joined }
}

/** Lets whatever is decided take its effect. */
const settle = () => vi.advanceTimersByTimeAsync(0)

describe('a tab that joins by its address', () => {
  test('tries again while the server is away, says so, and joins when it is back', async () => {
    failures = [away(), away()]
    const { session, told, joined } = setting()
    session.autojoin(share)
    await vi.waitFor(() => expect(started).toBe(1))
    await settle()
    expect(session.snapshot()).toMatchObject({
      state: 'joining',
      reason: expect.stringMatching(/^http:\/\/a\/ does not answer; trying again in \d+ s \(1 of /),
    })
    await vi.advanceTimersByTimeAsync(10_000)
    expect([started, stopped, joined()]).toEqual([3, 2, 1])
    expect(told).toEqual([])
  })

  test('gives up after some time, and says why', async () => {
    failures = Array.from({ length: 100 }, away)
    const { session, told } = setting()
    session.autojoin(share)
    await vi.waitFor(() => expect(started).toBe(1))
    await vi.advanceTimersByTimeAsync(10 * 60_000)
    expect(told).toEqual(['http://a/ does not answer'])
    expect(session.snapshot().state).toBe('offline')
    const all = started
    await vi.advanceTimersByTimeAsync(10 * 60_000)
    expect(started).toBe(all)
  })

  test('tries no more once somebody has left', async () => {
    failures = Array.from({ length: 100 }, away)
    const { session, told } = setting()
    session.autojoin(share)
    await vi.waitFor(() => expect(started).toBe(1))
    await settle()
    session.leave()
    expect(session.snapshot().state).toBe('offline')
    await vi.advanceTimersByTimeAsync(60_000)
    expect(started).toBe(1)
    expect(told).toEqual(['left'])
    expect(vi.getTimerCount()).toBe(0)
  })

  test('does not try again what no waiting mends', async () => {
    failures = [Object.assign(new Error('private'), { fault: { code: 'private-swarm' } })]
    const { session, told } = setting()
    session.autojoin(share)
    await vi.waitFor(() => expect(told).toEqual(['private']))
    expect(started).toBe(1)
  })
})

test('a person who presses the button is told at once', async () => {
  failures = [away()]
  const { session, told } = setting()
  session.join(share)
  await vi.waitFor(() => expect(told).toEqual(['http://a/ does not answer']))
})
