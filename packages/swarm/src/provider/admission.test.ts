import { describe, expect, test } from 'vitest'
import {
  FINISHED_REMEMBERED_MS,
  FLIGHTS_MAX,
  FLIGHTS_PER_NEIGHBOUR_MAX,
  FLIGHTS_PER_REQUESTER_FAIR,
  FLIGHTS_PER_REQUESTER_MAX,
} from '../limits.ts'
import { anyStep } from '../testing/any-step.ts'
import type { PeerId, RequestId, Step } from '../wire/messages.ts'
import { type Admission, Admissions } from './admission.ts'
import { ALONE_AFTER_MS, REFUSALS_MAX } from './limits.ts'

const a = 'a' as PeerId
const b = 'b' as PeerId

let requests = 0
const fresh = () => (++requests).toString(16).padStart(32, '0') as RequestId

/** The first step of a request, or one of a later era. */
function stepOf(request: RequestId, requester: PeerId, era = 0): Step {
  return anyStep({ request, requester, era, remainingMs: 1_000 })
}

/** A step that its requester says itself. */
function judge(admissions: Admissions, step: Step, nowMs: number): Admission {
  return admissions.judge(step.requester, step, step.requester, nowMs)
}

/** Asks so many times, `everyMs` apart. */
function ask(admissions: Admissions, peer: PeerId, times: number, fromMs = 0, everyMs = 1) {
  const answers: Admission[] = []
  for (let i = 0; i < times; i++)
    answers.push(judge(admissions, stepOf(fresh(), peer), fromMs + i * everyMs))
  return answers
}

const followed = (answers: Admission[]) => answers.filter((answer) => answer === 'follow').length

describe('admissions', () => {
  test('a requester that is alone may have many requests followed, one among others a fair share', () => {
    const alone = new Admissions()
    expect(followed(ask(alone, a, 200))).toBe(FLIGHTS_PER_REQUESTER_MAX)
    const shared = new Admissions()
    ask(shared, b, 1)
    expect(followed(ask(shared, a, 200))).toBe(FLIGHTS_PER_REQUESTER_FAIR)
    expect(followed(ask(shared, a, 200, ALONE_AFTER_MS + 1_000))).toBe(
      FLIGHTS_PER_REQUESTER_MAX - FLIGHTS_PER_REQUESTER_FAIR,
    )
  })

  test('a request that has ended is not followed again for a while', () => {
    const admissions = new Admissions()
    const request = fresh()
    expect(judge(admissions, stepOf(request, a), 0)).toBe('follow')
    admissions.ended(stepOf(request, a), a, true, 10)
    expect(judge(admissions, stepOf(request, a), 20)).toBe('ignore')
    admissions.forgetFinished(10 + FINISHED_REMEMBERED_MS)
    expect(judge(admissions, stepOf(request, a), 11 + FINISHED_REMEMBERED_MS)).toBe('follow')
  })

  test('a request that was dropped comes back only in a later era', () => {
    const admissions = new Admissions()
    const request = fresh()
    judge(admissions, stepOf(request, a), 0)
    admissions.dropped(stepOf(request, a, 1), a, 10)
    expect(judge(admissions, stepOf(request, a, 1), 20)).toBe('ignore')
    expect(judge(admissions, stepOf(request, a, 2), 30)).toBe('follow')
  })

  test('whoever is refused again and again within seconds floods', () => {
    const admissions = new Admissions()
    ask(admissions, a, FLIGHTS_PER_REQUESTER_MAX)
    const flood = ask(admissions, a, REFUSALS_MAX, 1_000, 10)
    expect(flood.indexOf('ban')).toBe(REFUSALS_MAX - 1)
  })

  test('nobody floods by what another says in its name', () => {
    const admissions = new Admissions()
    const said = Array.from({ length: FLIGHTS_PER_REQUESTER_MAX + 2 * REFUSALS_MAX }, () =>
      admissions.judge(b, stepOf(fresh(), a), b, 0),
    )
    expect(said).not.toContain('ban')
    expect(judge(admissions, stepOf(fresh(), a), 1)).toBe('ignore')
  })

  test('one neighbour answers for so many requests of others and no more, whoever they name', () => {
    const admissions = new Admissions()
    const vouched = Array.from({ length: 2 * FLIGHTS_PER_NEIGHBOUR_MAX }, (_, i) =>
      admissions.judge(b, stepOf(fresh(), `stranger ${i}` as PeerId), b, i),
    )
    expect(followed(vouched)).toBe(FLIGHTS_PER_NEIGHBOUR_MAX)
    expect(judge(admissions, stepOf(fresh(), a), 1_000)).toBe('follow')
  })

  test('without room, one that pays for fewer than another is met at the cost of whoever pays for most', () => {
    const admissions = new Admissions()
    const payers = ['p', 'q', 'r', 's'] as PeerId[]
    for (let i = 0; i < FLIGHTS_MAX; i++) {
      const payer = payers[i % 4] as PeerId
      admissions.judge(payer, stepOf(fresh(), `stranger ${i}` as PeerId), payer, i)
    }
    expect(admissions.judge('p' as PeerId, stepOf(fresh(), b), 'p' as PeerId, 600)).toBe('ignore')
    expect(judge(admissions, stepOf(fresh(), a), 601)).toBe('follow')
    expect(admissions.costliest()).toBe('p')
  })

  test('what is only looked at takes no room', () => {
    const admissions = new Admissions()
    const looks = Array.from({ length: 2 * FLIGHTS_MAX }, () =>
      admissions.look(b, stepOf(fresh(), a), b, 0),
    )
    expect(followed(looks)).toBe(2 * FLIGHTS_MAX)
  })

  test('refusals far apart are no flood', () => {
    const admissions = new Admissions()
    ask(admissions, a, FLIGHTS_PER_REQUESTER_MAX)
    expect(ask(admissions, a, 200, 1_000, 1_000)).not.toContain('ban')
  })

  test('whoever waits for its answers is no flooder, however much it asks', () => {
    const admissions = new Admissions()
    ask(admissions, a, FLIGHTS_PER_REQUESTER_MAX - 1)
    for (let i = 0; i < 10; i++) {
      const request = fresh()
      expect(judge(admissions, stepOf(request, a), 1_000 + i)).toBe('follow')
      expect(ask(admissions, a, REFUSALS_MAX - 1, 1_000 + i, 0)).not.toContain('ban')
      admissions.ended(stepOf(request, a), a, true, 1_000 + i)
    }
  })
})
