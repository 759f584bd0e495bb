import { describe, expect, test } from 'vitest'
import type { CoreEffect } from '../effects.ts'
import { type JobId, Jobs } from '../jobs.ts'
import { ERAS_MAX, PRESENCE_INTERVAL_MS_MAX, STALL_MS_MAX } from '../limits.ts'
import { PeerTable } from '../presence/peer-table.ts'
import { CLASSIFY_POLICY_DEFAULT, type ClassifyPolicy } from '../request.ts'
import { anyPresence } from '../testing/any-presence.ts'
import { anyStep, heldTensor, hopsBy, inlineTensor } from '../testing/any-step.ts'
import type { PeerId, Step } from '../wire/messages.ts'
import { HURRY_MS, NAMED_STALL_MS } from './limits.ts'
import { Requester } from './requester.ts'

const self = 'requester' as PeerId
const peer = 'provider' as PeerId
const shape = { layers: 4, tokens: 5, width: 8 }
const { request } = anyStep()

/** After so many hops; its tensor is held by `peer`, or rides along. */
const after = (hops: number, isHeld = false): Step =>
  anyStep({
    route: hopsBy(peer, hops),
    next: hops < shape.layers ? peer : self,
    activation: isHeld
      ? heldTensor(peer, `after ${hops}`)
      : { ...inlineTensor, bytes: new Uint8Array(80).fill(hops) },
  })

function asked(policy: Partial<ClassifyPolicy>) {
  const table = new PeerTable('')
  table.hear(peer, anyPresence({ layers: [0, 1, 2, 3] }), 0)
  const requester = new Requester({ self, shape, hosted: new Set() }, table, new Jobs(), 0)
  requester.open(request, { ...CLASSIFY_POLICY_DEFAULT, ...policy }, 0)
  requester.begin(request, heldTensor(self), 0)
  return requester
}

/** The job of the head run among these effects. */
function headJob(effects: readonly CoreEffect[]): JobId | undefined {
  return effects.find((effect) => effect.do === 'run-head')?.job
}

function pullJob(effects: readonly CoreEffect[]): JobId | undefined {
  return effects.find((effect) => effect.do === 'pull')?.job
}

/** How many hops are reported as scored, or as the answer's. */
function hopsOf(effects: readonly CoreEffect[]) {
  return effects.flatMap((effect) => {
    if (effect.do !== 'report') return []
    const { event } = effect
    if (event.type === 'progressed') return [['scored', event.scoredHops]]
    return event.type === 'answered' ? [['answered', event.answer.route.length]] : []
  })
}

const unsure = { logits: [[0, 0]], ms: 1 }
const sure = { logits: [[9, 0]], ms: 1 }

describe('scores on the way', () => {
  test('are computed only where the policy asks for them', () => {
    expect(headJob(asked({}).onStep(peer, after(1), 10))).toBeUndefined()
    expect(headJob(asked({ anytime: true }).onStep(peer, after(1), 10))).toBeDefined()
    expect(headJob(asked({ stopAtConfidence: 0.9 }).onStep(peer, after(1), 10))).toBeDefined()
  })

  test('are computed one step at a time, and next for the step that is newest by then', () => {
    const requester = asked({ anytime: true })
    const job = headJob(requester.onStep(peer, after(1), 10)) as JobId
    expect(headJob(requester.onStep(peer, after(2), 20))).toBeUndefined()
    expect(headJob(requester.onStep(peer, after(3), 30))).toBeUndefined()
    const effects = requester.onHeadRun(job, unsure, 40)
    expect(hopsOf(effects)).toEqual([['scored', 1]])
    const next = headJob(effects) as JobId
    const last = requester.onHeadRun(next, unsure, 50)
    expect(hopsOf(last)).toEqual([['scored', 3]])
    expect(headJob(last)).toBeUndefined()
  })

  test('that cannot be had are gone on without', () => {
    const requester = asked({ anytime: true })
    const job = pullJob(requester.onStep(peer, after(1, true), 10)) as JobId
    expect(requester.onPulled(job, undefined, 20)).toEqual([])
    expect(headJob(requester.onStep(peer, after(2), 30))).toBeDefined()
  })
})

describe('scores that are confident enough', () => {
  test('are the answer, with the layers that they came from and no later ones', () => {
    const requester = asked({ stopAtConfidence: 0.9 })
    const job = headJob(requester.onStep(peer, after(1), 10)) as JobId
    requester.onStep(peer, after(2), 20)
    expect(hopsOf(requester.onHeadRun(job, sure, 30))).toContainEqual(['answered', 1])
    expect(requester.inFlight).toBe(0)
  })

  test('are waited for while the head is unsure', () => {
    const requester = asked({ stopAtConfidence: 0.9 })
    const job = headJob(requester.onStep(peer, after(1), 10)) as JobId
    expect(hopsOf(requester.onHeadRun(job, unsure, 30))).toEqual([['scored', 1]])
    expect(requester.inFlight).toBe(1)
  })
})

describe('the last step', () => {
  test('is scored before the answer, though an older one is being scored', () => {
    const requester = asked({ anytime: true })
    const job = headJob(requester.onStep(peer, after(2), 10)) as JobId
    expect(headJob(requester.onStep(peer, after(4), 20))).toBeUndefined()
    const effects = requester.onHeadRun(job, sure, 30)
    expect(hopsOf(effects)).toEqual([])
    const last = requester.onHeadRun(headJob(effects) as JobId, unsure, 40)
    expect(hopsOf(last)).toEqual([['answered', 4]])
  })

  test('whose holder is gone is made anew from the one before: its pull is waited for by nobody', () => {
    const requester = asked({})
    requester.onStep(peer, after(2), 10)
    const job = pullJob(requester.onStep(peer, after(4, true), 20)) as JobId
    expect(requester.onDisconnected('somebody else' as PeerId, 30)).toEqual([])
    expect(requester.onDisconnected(peer, 40)).toMatchObject([
      { do: 'cancel', job },
      { do: 'ask-again', step: { era: 1, route: [{}, {}] }, to: peer },
    ])
    expect(requester.onPulled(job, new Uint8Array(80), 50)).toEqual([])
  })
})

test('a last step that alone is an answer is asked for until its time is over, though its holder cannot be reached', () => {
  const { deadlineMs } = CLASSIFY_POLICY_DEFAULT
  const requester = asked({ minLayers: shape.layers })
  let [nowMs, pulls, eras] = [10, 0, 0]
  let effects = requester.onStep(peer, after(shape.layers, true), nowMs)
  const fault = () =>
    effects.flatMap((effect) =>
      effect.do === 'report' && effect.event.type === 'failed' ? [effect.event.fault] : [],
    )[0]
  while (fault() === undefined && pulls < 1_000) {
    const job = pullJob(effects)
    const led = effects.find((effect) => effect.do === 'lead')
    if (job !== undefined) {
      pulls++
      nowMs += 5
      effects = requester.onPulled(job, undefined, nowMs)
    } else if (led !== undefined) {
      eras = led.step.era
      nowMs += 5
      effects = requester.onStep(peer, { ...after(shape.layers, true), era: eras }, nowMs)
    } else {
      nowMs = Math.max(nowMs + 1, requester.wakeAtMs())
      effects = requester.onTime(nowMs)
    }
  }
  expect(fault()).toMatchObject({ code: 'deadline-passed', missing: { what: 'result', peer } })
  expect(nowMs).toBe(deadlineMs)
  expect(eras).toBe(ERAS_MAX)
  // Not in vain all the time: at most twice in each time that somebody named may be silent.
  expect(pulls).toBeLessThan((3 * deadlineMs) / NAMED_STALL_MS)
})

describe('a request whose time is short', () => {
  const hurriesAtMs = CLASSIFY_POLICY_DEFAULT.deadlineMs - HURRY_MS

  test('has each of its steps scored as it comes, the newest first', () => {
    const requester = asked({})
    expect(headJob(requester.onStep(peer, after(1), hurriesAtMs - 100))).toBeUndefined()
    expect(headJob(requester.onTime(hurriesAtMs - 1))).toBeUndefined()
    const job = headJob(requester.onTime(hurriesAtMs)) as JobId
    expect(headJob(requester.onStep(peer, after(2), hurriesAtMs + 10))).toBeUndefined()
    const next = headJob(requester.onHeadRun(job, unsure, hurriesAtMs + 20))
    requester.onHeadRun(next as JobId, unsure, hurriesAtMs + 30)
    expect(hopsOf(requester.onTime(CLASSIFY_POLICY_DEFAULT.deadlineMs))).toEqual([['answered', 2]])
  })

  test('has no steps scored that have too few layers for an answer', () => {
    const requester = asked({ minLayers: 2 })
    requester.onTime(hurriesAtMs)
    expect(headJob(requester.onStep(peer, after(1), hurriesAtMs + 10))).toBeUndefined()
    expect(headJob(requester.onStep(peer, after(2), hurriesAtMs + 20))).toBeDefined()
  })

  test('has the step before scored too, where the scores of the last do not come', () => {
    const requester = asked({})
    requester.onStep(peer, after(2), 10)
    expect(pullJob(requester.onStep(peer, after(4, true), 20))).toBeDefined()
    const job = headJob(requester.onTime(hurriesAtMs)) as JobId
    // The last may yet come.
    expect(hopsOf(requester.onHeadRun(job, unsure, hurriesAtMs + 10))).toEqual([])
    expect(hopsOf(requester.onTime(CLASSIFY_POLICY_DEFAULT.deadlineMs))).toEqual([['answered', 2]])
  })

  test('takes a later step over while the scores of its last are on their way', () => {
    const requester = asked({})
    requester.onTime(hurriesAtMs)
    const job = headJob(requester.onStep(peer, after(3), hurriesAtMs + 10)) as JobId
    const lateMs = CLASSIFY_POLICY_DEFAULT.deadlineMs - 20
    requester.onTime(lateMs)
    requester.onStep(peer, after(4), lateMs)
    const last = headJob(requester.onHeadRun(job, unsure, lateMs + 5)) as JobId
    expect(hopsOf(requester.onHeadRun(last, unsure, lateMs + 10))).toEqual([['answered', 4]])
  })

  test('answers from the scores of most layers, though it had to go back behind them', () => {
    const requester = asked({ anytime: true })
    const job = headJob(requester.onStep(peer, after(3), 10)) as JobId
    requester.onHeadRun(job, unsure, 20)
    requester.onTime(10 + STALL_MS_MAX)
    const { deadlineMs } = CLASSIFY_POLICY_DEFAULT
    for (let nowMs = requester.wakeAtMs(); nowMs < deadlineMs; nowMs = requester.wakeAtMs())
      expect(hopsOf(requester.onTime(nowMs))).toEqual([])
    expect(hopsOf(requester.onTime(deadlineMs))).toEqual([['answered', 3]])
  })
})

test('a request whose time is short after it went back has the step scored that it went back from', () => {
  const requester = asked({})
  const { deadlineMs } = CLASSIFY_POLICY_DEFAULT
  const hurriesAtMs = deadlineMs - HURRY_MS
  requester.onStep(peer, after(3), hurriesAtMs - STALL_MS_MAX)
  requester.onTime(hurriesAtMs - 1)
  const job = headJob(requester.onTime(hurriesAtMs)) as JobId
  requester.onHeadRun(job, unsure, hurriesAtMs + 10)
  expect(requester.inFlight).toBe(1)
  expect(hopsOf(requester.onTime(deadlineMs))).toEqual([['answered', 3]])
})

test('a tensor that does not come holds up no later step when time is short', () => {
  const requester = asked({})
  const hurriesAtMs = CLASSIFY_POLICY_DEFAULT.deadlineMs - HURRY_MS
  requester.onStep(peer, after(2, true), hurriesAtMs - 100)
  expect(pullJob(requester.onTime(hurriesAtMs))).toBeDefined()
  expect(headJob(requester.onStep(peer, after(3), hurriesAtMs + 10))).toBeDefined()
})

describe('the last step of a plan, whose holder there is no way to', () => {
  const plan = [0, 1, 2, 3]

  test('is asked for until its result comes, and answered with all layers', () => {
    const requester = asked({ plan })
    requester.onStep(peer, { ...after(2, true), plan }, 5)
    const last = { ...after(4, true), plan }
    let job = pullJob(requester.onStep(peer, last, 10))
    let era = 0
    let nowMs = 10
    for (let lost = 0; lost < 40; lost++) {
      const effects = requester.onPulled(job as JobId, undefined, ++nowMs)
      expect(hopsOf(effects)).toEqual([])
      expect(effects.some(({ do: what }) => what === 'report')).toBe(false)
      const again = effects.find((effect) => effect.do === 'ask-again' || effect.do === 'lead')
      if (again !== undefined && 'step' in again) {
        era = again.step.era
        job = pullJob(requester.onStep(peer, { ...last, era }, ++nowMs))
      } else {
        nowMs = requester.wakeAtMs()
        job = pullJob(requester.onTime(nowMs))
      }
    }
    expect(era).toBe(ERAS_MAX)
    expect(nowMs).toBeLessThan(CLASSIFY_POLICY_DEFAULT.deadlineMs)
    const head = headJob(requester.onPulled(job as JobId, new Uint8Array(80), nowMs)) as JobId
    expect(hopsOf(requester.onHeadRun(head, unsure, nowMs))).toEqual([['answered', 4]])
  })

  test('fails at its deadline and no earlier', () => {
    const requester = asked({ plan, minLayers: 4 })
    let job = pullJob(requester.onStep(peer, { ...after(4, true), plan, era: ERAS_MAX }, 10))
    let nowMs = 10
    while (job !== undefined) {
      expect(requester.onPulled(job, undefined, nowMs)).toEqual([])
      nowMs = requester.wakeAtMs()
      job = pullJob(requester.onTime(nowMs))
    }
    expect(nowMs).toBe(CLASSIFY_POLICY_DEFAULT.deadlineMs)
    expect(requester.inFlight).toBe(0)
  })
})

describe('the last visit, whose holder there is no way to', () => {
  /** How many layers were answered, and when, where the tensor never comes. */
  function answerWithout(firstMs: number) {
    const requester = asked({ minLayers: 2 })
    requester.onStep(peer, after(2), firstMs - 5)
    const last = after(4, true)
    let nowMs = firstMs
    let effects = requester.onStep(peer, last, nowMs)
    while (requester.inFlight > 0) {
      const job = pullJob(effects)
      const head = headJob(effects)
      const again = effects.find((effect) => effect.do === 'ask-again' || effect.do === 'lead')
      if (job !== undefined) effects = requester.onPulled(job, undefined, ++nowMs)
      else if (head !== undefined) effects = requester.onHeadRun(head, unsure, ++nowMs)
      else if (again !== undefined && 'step' in again)
        effects = requester.onStep(peer, { ...last, era: again.step.era }, ++nowMs)
      else {
        nowMs = requester.wakeAtMs()
        effects = requester.onTime(nowMs)
      }
    }
    return { hops: hopsOf(effects), nowMs }
  }

  test('is asked for by a newcomer until everybody has announced itself to it', () => {
    const { hops, nowMs } = answerWithout(10)
    expect(hops).toEqual([['answered', 2]])
    expect(nowMs).toBeGreaterThanOrEqual(PRESENCE_INTERVAL_MS_MAX)
    expect(nowMs).toBeLessThan(PRESENCE_INTERVAL_MS_MAX + 2 * NAMED_STALL_MS)
  })

  test('is left out after three attempts by who knows its lane', () => {
    const { hops, nowMs } = answerWithout(PRESENCE_INTERVAL_MS_MAX)
    expect(hops).toEqual([['answered', 2]])
    expect(nowMs).toBeLessThan(PRESENCE_INTERVAL_MS_MAX + NAMED_STALL_MS)
  })
})
