import { describe, expect, test } from 'vitest'
import { Jobs } from '../jobs.ts'
import { loneView } from '../testing/lone-view.ts'
import type { HeldActivation, PeerId, TensorHash } from '../wire/messages.ts'
import { Fetches } from './fetches.ts'
import {
  ASKED_FACTOR,
  ASKED_ROUND_TRIPS,
  ASKED_SLACK_MS,
  LATE_GROWTH,
  PUSH_FACTOR,
  PUSH_ROUND_TRIPS,
  PUSH_SLACK_MS,
} from './limits.ts'

const self = 'self' as PeerId
const holder = 'holder' as PeerId
const RTT_MS = 40
/** Through both accesses, at 500 bytes per millisecond each. */
const TRANSFER_MS = 20
const tensor: HeldActivation = {
  place: 'held',
  dtype: 'float16',
  batch: 1,
  tokens: 5,
  width: 8,
  size: (500 * TRANSFER_MS) / 2,
  holder,
  hash: 'h' as TensorHash,
}
const PUSH_MS = PUSH_ROUND_TRIPS * RTT_MS + PUSH_FACTOR * TRANSFER_MS + PUSH_SLACK_MS
const ASKED_MS = ASKED_ROUND_TRIPS * RTT_MS + ASKED_FACTOR * TRANSFER_MS + ASKED_SLACK_MS

/** What `self` fetches; it has a way to `holder` alone. */
function fetches() {
  const one = new Fetches(self, loneView(self, [holder], RTT_MS).ways)
  const nextJob = new Jobs().of('provider')
  const begin = (isAwaited: boolean, nowMs: number, from: PeerId = holder) => {
    const job = nextJob()
    one.began({ do: 'pull', job, tensor: { ...tensor, holder: from }, isAwaited }, nowMs)
    return job
  }
  return { one, begin }
}

describe('a tensor that was to be pushed', () => {
  test('is asked for once when it does not come in time, and is lost when nobody answers', () => {
    const { one, begin } = fetches()
    const job = begin(true, 100)
    expect(one.wakeAtMs()).toBe(100 + PUSH_MS)
    expect(one.onTime(100 + PUSH_MS - 1)).toEqual({ effects: [], lost: [] })
    const pull = { do: 'pull', job, tensor, isAwaited: false } as const
    expect(one.onTime(100 + PUSH_MS)).toEqual({ effects: [pull], lost: [] })
    one.began(pull, 100 + PUSH_MS)
    expect(one.wakeAtMs()).toBe(100 + PUSH_MS + ASKED_MS)
    expect(one.onTime(100 + PUSH_MS + ASKED_MS)).toEqual({
      effects: [{ do: 'cancel', job }],
      lost: [job],
    })
    expect(one.wakeAtMs()).toBe(Number.POSITIVE_INFINITY)
  })

  test('is not judged once it is here, nor once nobody wants it', () => {
    const { one, begin } = fetches()
    one.ended(begin(true, 0), true)
    one.ended(begin(true, 0), false)
    expect(one.onTime(1e6)).toEqual({ effects: [], lost: [] })
  })

  test('that comes late has the next ones waited for longer, until some come in time', () => {
    const { one, begin } = fetches()
    const late = begin(true, 0)
    one.onTime(PUSH_MS)
    one.ended(late, true)
    begin(true, 0)
    expect(one.wakeAtMs()).toBeCloseTo(LATE_GROWTH * PUSH_MS, 6)
    const { one: calm, begin: beginCalm } = fetches()
    calm.ended(beginCalm(true, 0), true)
    beginCalm(true, 0)
    expect(calm.wakeAtMs()).toBe(PUSH_MS)
  })
})

test('a tensor that is asked for from the start is waited for as long as an answer takes', () => {
  const { one, begin } = fetches()
  const job = begin(false, 0)
  expect(one.wakeAtMs()).toBe(ASKED_MS)
  expect(one.onTime(ASKED_MS).lost).toEqual([job])
})

test('tensors that are on their way together are waited for as long as all of them take', () => {
  const { one, begin } = fetches()
  begin(true, 0)
  const second = begin(true, 0)
  one.onTime(PUSH_MS)
  expect(one.onTime(PUSH_MS + PUSH_FACTOR * TRANSFER_MS - 1).effects).toEqual([])
  expect(one.onTime(PUSH_MS + PUSH_FACTOR * TRANSFER_MS).effects).toMatchObject([{ job: second }])
})

test('a holder without a way from here, and this member itself, are not judged', () => {
  const { one, begin } = fetches()
  begin(true, 0, 'far' as PeerId)
  begin(false, 0, self)
  expect(one.wakeAtMs()).toBe(Number.POSITIVE_INFINITY)
})
