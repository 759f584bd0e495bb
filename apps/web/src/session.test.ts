import type { Peer, PeerOptions, PeerSnapshot } from '@layerswarm/peer'
import { idleSnapshot } from '@layerswarm/peer/snapshot'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { PAGE_DEFAULTS } from './logic/page-options.ts'
import { createSession } from './session.ts'

/** What each attempt to start meets, the next one first; then it joins. */
let failures: Error[] = []
let started = 0
let stopped = 0
let isStarted = false

vi.mock('@layerswarm/peer', () => ({
  createPeer: ({ beforeEngine }: Pick<PeerOptions, 'beforeEngine'>): Partial<Peer> => ({
    start: async () => {
      started++
      isStarted = true
      const failure = failures.shift()
      if (failure !== undefined) throw failure
      await beforeEngine()
    },
    stop: async () => {
      stopped++
    },
    on: () => () => true,
    // A peer calls itself offline until it starts.
    snapshot: (): PeerSnapshot =>
      isStarted
        ? idleSnapshot('joining', 'asking the server')
        : idleSnapshot('offline', 'not started'),
  }),
}))

beforeEach(() => {
  failures = []
  started = 0
  stopped = 0
  isStarted = false
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

const away = () =>
  Object.assign(new Error('http://a/ does not answer'), { fault: { code: 'unreachable' } })
/** What a visitor reads of it. */
const UNREACHABLE =
  'The server of this swarm cannot be reached. Is this device online? Try again in a moment.'
const share = { layers: 1, time: 1 }

function setting(prepared: Promise<void> = Promise.resolve()) {
  const told: string[] = []
  const states: string[] = []
  let joined = 0
  const session = createSession({
    place: { servers: () => ['http://a/'], swarmKey: undefined },
    options: PAGE_DEFAULTS,
    manifest: () => undefined,
    prepare: (_signal, received) => {
      received({ receivedBytes: 1, bytes: 2 })
      return prepared
    },
    events: {
      looked: (snapshot) => states.push(snapshot.state),
      moved: () => undefined,
      movedInRounds: () => undefined,
      joined: () => {
        joined++
      },
      left: (problem) => told.push(problem ?? 'left'),
    },
  })
  return { session, told, states, joined: () => joined }
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
    expect(told).toEqual([UNREACHABLE])
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
  await vi.waitFor(() => expect(told).toEqual([UNREACHABLE]))
})

test('a download that fails after the network has is told by the network alone, and nowhere else', async () => {
  failures = [away()]
  let fail = (_error: Error) => {}
  const prepared = new Promise<void>((_, reject) => {
    fail = reject
  })
  const { session, told } = setting(prepared)
  session.join(share)
  await vi.waitFor(() => expect(told).toEqual([UNREACHABLE]))
  fail(away())
  // A rejection that nobody handles fails the run.
  vi.useRealTimers()
  await new Promise((resolve) => setTimeout(resolve, 10))
  expect(told).toHaveLength(1)
})

test('from the click on nothing is called offline until somebody leaves', async () => {
  let fetched = () => {}
  const { session, states, joined } = setting(
    new Promise((resolve) => {
      fetched = resolve
    }),
  )
  session.join(share)
  // The network opens meanwhile.
  await vi.waitFor(() => expect(started).toBe(1))
  expect(session.snapshot().reason).toBe('fetching what this tab computes with')
  fetched()
  await vi.waitFor(() => expect(joined()).toBe(1))
  expect(new Set(states)).toEqual(new Set(['joining']))
  session.leave()
  expect(states.at(-1)).toBe('offline')
})

test('cancelled while the runtime is fetched, no engine starts when it has come', async () => {
  let fetched = () => {}
  const { session, told, joined } = setting(
    new Promise((resolve) => {
      fetched = resolve
    }),
  )
  session.join(share)
  await vi.waitFor(() => expect(started).toBe(1))
  session.leave()
  fetched()
  await settle()
  expect([stopped, joined(), told]).toEqual([1, 0, ['left']])
  expect(session.snapshot().state).toBe('offline')
})

test('a failure is the reason that stays until the next try', async () => {
  failures = [away()]
  const { session, told } = setting()
  session.join(share)
  await vi.waitFor(() => expect(told).toHaveLength(1))
  expect(session.snapshot()).toMatchObject({
    state: 'offline',
    reason: UNREACHABLE,
  })
})
