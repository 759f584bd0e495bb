import { describe, expect, test } from 'vitest'
import { ANY_SIGNATURE, chainOf } from '../testing/any-chain.ts'
import type { HeldActivation, PeerId, RequestId, Step, TensorHash } from '../wire/messages.ts'
import { ClaimBook } from './claim-book.ts'
import { Flight } from './flight.ts'
import { Pace } from './pace.ts'
import { Work } from './work.ts'

const a = 'a' as PeerId
const b = 'b' as PeerId
const request = '1'.repeat(32) as RequestId
const other = '2'.repeat(32) as RequestId

const activation: HeldActivation = {
  place: 'held',
  dtype: 'float16',
  batch: 1,
  tokens: 5,
  width: 8,
  size: 80,
  holder: a,
  hash: 'h' as TensorHash,
}

function step(layers: readonly number[], era = 0): Step {
  const route = layers.map((layer) => ({ layer, peer: a, backend: 'reference' as const, ms: 1 }))
  return {
    kind: 'step',
    input: undefined,
    next: undefined,
    silent: [],
    barred: [],
    isPrivate: false,
    request,
    requester: b,
    endsAtMs: 1_000,
    era,
    route,
    chain: chainOf(route, { isOpen: true }),
    plan: [],
    activation,
    remainingMs: 1_000,
  }
}

describe('a flight', () => {
  test('whose tensor is lost waits for its requester, who begins an era at this step or at the one before', () => {
    const lost = () => {
      const flight = new Flight(step([]), 0)
      flight.advance(step([3]), 10)
      flight.loseTensor()
      expect(flight.newest).toMatchObject({ era: 0, route: [{ layer: 3 }] })
      expect(flight.open(4)).toBeUndefined()
      return flight
    }
    const before = lost()
    before.beginEra({ era: 2, hop: 0, barred: [], signature: ANY_SIGNATURE })
    expect(before.newest).toMatchObject({ era: 2, route: [], next: undefined })
    expect(before.open(4)).toEqual([true, true, true, true])
    const same = lost()
    same.beginEra({ era: 2, hop: 1, barred: [], signature: ANY_SIGNATURE })
    expect(same.newest).toMatchObject({ era: 2, route: [{ layer: 3 }] })
    expect(same.open(4)).toEqual([true, true, true, false])
    const again = lost()
    again.repeat(step([3]), 20)
    expect(again.open(4)).toEqual([true, true, true, false])
  })

  test('is in charge in a new era by its requester’s link alone', () => {
    const flight = new Flight(step([3]), 0)
    flight.beginEra({ era: 1, hop: 1, barred: [], signature: ANY_SIGNATURE })
    expect(flight.newest.chain).toEqual([
      { hop: 1, by: undefined, isOpen: false, tensor: undefined, signature: ANY_SIGNATURE },
    ])
    expect(flight.message(a, 10).chain).toMatchObject([{ hop: 1 }, { hop: 1, by: a, isOpen: true }])
  })

  test('out of reach has nothing to run on, until its tensor is held by another or names this peer', () => {
    const flight = new Flight(step([3]), 0)
    flight.outOfReach()
    expect(flight.open(4)).toBeUndefined()
    flight.repeat(step([3]), 10)
    expect(flight.open(4)).toBeUndefined()
    flight.repeat({ ...step([3]), activation: { ...activation, holder: b } }, 20)
    expect(flight.open(4)).toEqual([true, true, true, false])
    flight.outOfReach()
    flight.repeat({ ...step([3]), next: b }, 30)
    expect(flight.open(4)).toEqual([true, true, true, false])
  })

  test('does not go back over steps that it has not seen', () => {
    const flight = new Flight(step([]), 0)
    flight.advance(
      {
        ...step([3, 1]),
        route: [...step([3]).route, { layer: 1, peer: b, backend: 'reference', ms: 1 }],
      },
      10,
    )
    flight.beginEra({ era: 1, hop: 0, barred: [], signature: ANY_SIGNATURE })
    expect(flight.newest).toMatchObject({ era: 0, route: [{}, {}] })
  })

  test('forgets with a step who would not do it, and not who let a claim expire', () => {
    const flight = new Flight(step([]), 0)
    flight.doubts.declinedBy(a)
    flight.doubts.letDownBy(b)
    expect([a, b].map((peer) => flight.doubts.isDoubted(peer))).toEqual([true, true])
    flight.advance(step([3]), 10)
    expect([a, b].map((peer) => flight.doubts.isDoubted(peer))).toEqual([false, true])
  })

  test('tells nothing of the lane once it was disturbed', () => {
    const flight = new Flight(step([]), 0)
    expect(flight.wait.undisturbedMs(30)).toBe(30)
    flight.repeat(step([]), 40)
    expect(flight.wait.undisturbedMs(50)).toBeUndefined()
    flight.advance(step([3]), 60)
    expect(flight.wait.undisturbedMs(75)).toBe(15)
  })
})

describe('who is expected to respond', () => {
  test('is forgotten with the step, whether the request goes on or back', () => {
    const flight = new Flight(step([]), 0)
    flight.wait.expect(b)
    expect([flight.wait.isExpected(b), flight.wait.isExpected(a)]).toEqual([true, false])
    flight.advance(step([3]), 10)
    expect(flight.wait.isExpected(b)).toBe(false)
    flight.wait.expect(b)
    flight.beginEra({ era: 1, hop: 0, barred: [], signature: ANY_SIGNATURE })
    expect([flight.wait.isExpected(b), flight.wait.undisturbedMs(20)]).toEqual([false, undefined])
  })
})

describe('doubts', () => {
  test('of a tensor are as many as pulls of it failed, and gone with it', () => {
    const { doubts } = new Flight(step([]), 0)
    doubts.pullFailed()
    doubts.pullFailed()
    expect(doubts.pullsFailed).toBe(2)
    doubts.stepChanged()
    expect(doubts.pullsFailed).toBe(0)
  })

  test('tell who will not do a step from who let it down', () => {
    const { doubts } = new Flight(step([]), 0)
    doubts.letDownBy(a)
    doubts.declinedBy(b)
    expect([a, b].map((peer) => doubts.isDoubted(peer))).toEqual([true, true])
    expect([a, b].map((peer) => doubts.declines(peer))).toEqual([false, true])
  })
})

describe('the claim book', () => {
  test('has one claim per request, and counts a peer’s load by those whose time is not over', () => {
    const book = new ClaimBook()
    book.put(request, a, 100)
    book.put(request, b, 200)
    book.put(other, b, 50)
    expect([...book.loads(49)]).toEqual([[b, 2]])
    expect([...book.loads(50)]).toEqual([[b, 1]])
    expect([book.isHeld(request, 199), book.isHeld(request, 200)]).toEqual([true, false])
    book.free(request)
    book.free(request)
    expect([...book.loads(49)]).toEqual([[b, 1]])
    expect(book.get(request)).toBeUndefined()
  })

  test('believes renewals only until the end that the first word set', () => {
    const book = new ClaimBook()
    book.put(request, a, 100)
    expect(book.claimed(request, a, 50, 400, 60)).toBe(110)
    expect(book.claimed(request, a, 300, 400, 100)).toBe(400)
    expect(book.claimed(request, a, 300, 400, 300)).toBe(460)
    expect(book.claimed(request, a, 300, 400, 455)).toBe(460)
    // Another peer, or the same one named anew, begins anew.
    expect(book.claimed(request, b, 300, 400, 455)).toBe(755)
    book.put(request, b, 800)
    expect(book.claimed(request, b, 300, 400, 755)).toBe(1055)
  })
})

describe('pace', () => {
  test('is what runs take, and a little faster after each idle interval, down to what is usual', () => {
    const pace = new Pace()
    pace.usual = 30
    expect(pace.layerMs).toBe(30)
    pace.ran(100, true)
    expect(pace.layerMs).toBe(100)
    pace.idle()
    expect(pace.layerMs).toBe(100)
    pace.idle()
    pace.idle()
    expect(pace.layerMs).toBeCloseTo(49)
    for (let i = 0; i < 20; i++) pace.idle()
    expect(pace.layerMs).toBe(30)
    pace.ran(10, false)
    expect(pace.layerMs).toBeLessThan(100)
    expect(pace.layerMs).toBeGreaterThan(10)
    expect(pace.served).toBe(1)
  })

  test('is doubted half as fast after each run that shows it was right, until one shows that it was wrong', () => {
    const pace = new Pace()
    pace.usual = 60
    const afterIdle = (ms: number) => {
      pace.ran(ms, true)
      for (let i = 0; i < 5; i++) pace.idle()
      return pace.layerMs
    }
    expect(afterIdle(300)).toBeCloseTo(300 * 0.7 ** 4)
    expect(afterIdle(300)).toBeGreaterThan(300 * 0.7 ** 2.01)
    expect(afterIdle(300)).toBeGreaterThan(300 * 0.7 ** 1.01)
    expect(afterIdle(70)).toBeLessThan(100)
  })
})

describe('work', () => {
  const jobs = () => {
    let last = 0
    return () => ({ owner: 'provider' as const, number: ++last })
  }

  test('of a request that is given up is nobody’s when it ends', () => {
    const work = new Work({ slots: 2, timeShare: 1 }, jobs())
    const job = work.begin(new Flight(step([0]), 0), [3, 1])
    expect(work.freeSlots).toBe(1)
    expect(work.abandon(request)).toEqual([{ do: 'cancel', job: job.id }])
    expect(work.get(job.id)).toBeUndefined()
    expect(work.freeSlots).toBe(2)
  })

  test('that has begun to run is not cancelled, only forgotten', () => {
    const work = new Work({ slots: 2, timeShare: 1 }, jobs())
    work.runBegan(work.begin(new Flight(step([0]), 0), [3, 1]), 20, 0)
    expect(work.abandon(request)).toEqual([])
    expect(work.size).toBe(0)
  })

  test('with a share of the time is one run at a time, with a rest after it', () => {
    const work = new Work({ slots: 8, timeShare: 0.25 }, jobs())
    const job = work.begin(new Flight(step([0]), 0), [3, 1])
    work.runBegan(job, 20, 100)
    expect(work.freeSlots).toBe(0)
    work.runEnded(110)
    expect(work.get(job.id)).toBe(job)
    expect(work.restsUntilMs).toBe(110 + 30)
    expect(work.paceMs(10)).toBe(40)
  })
})
