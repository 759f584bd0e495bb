import { describe, expect, test } from 'vitest'
import type { Effect } from '../effects.ts'
import { ACCESS_BYTES_PER_MS } from '../presence/limits.ts'
import { heldTensor, stepAfter } from '../testing/any-step.ts'
import { loneProvider } from '../testing/lone-provider.ts'
import type { Claim, PeerId, RequestId, Step } from '../wire/messages.ts'
import { AGAINS_MAX, RESPONSE_SLACK_MS, STRANGER_FACTOR, TRANSFER_FACTOR } from './limits.ts'
import type { Provider } from './provider.ts'

const self = 'self' as PeerId
const first = 'first' as PeerId
const next = 'next' as PeerId
const requester = 'requester' as PeerId

const bytes = new Uint8Array(80)
const given = stepAfter([first], { requester, next: self })
const claim: Claim = {
  kind: 'claim',
  request: given.request,
  era: 0,
  hop: 2,
  layer: 2,
  ttlMs: 500,
  lost: false,
}

/**
 * A provider that has run its layer and named `next`, the only one there is, at 20 ms.
 * @param isProven whether it has seen it deliver before.
 * @param upload bytes per millisecond that it sends.
 */
function author(isProven = false, upload?: number): Provider {
  const accessSpeed = () => ({ upload, download: undefined })
  const one = loneProvider(self, [next], { accessSpeed })
  if (isProven) {
    const earlier = { requester, request: '2'.repeat(32) as RequestId }
    one.onStep(first, stepAfter([first], { ...earlier, next }), 0)
    one.onStep(next, stepAfter([first, next], { ...earlier, next: requester }), 0)
    one.onDone(requester, { kind: 'done', request: earlier.request, isPublic: false }, 0)
  }
  expect(namedBy(handOver(one, given, 0))).toEqual([next])
  return one
}

/** Runs its layer on a step that names it, and hands the result over. */
function handOver(one: Provider, step: Step, nowMs: number): Effect[] {
  const pull = one.onStep(first, step, nowMs).find((effect) => effect.do === 'pull')
  const { job } = pull as Extract<Effect, { do: 'pull' }>
  one.visits.onPulled(job, bytes, nowMs + 10)
  const activation = { dtype: 'float16' as const, shape: [1, 5, 8] as const, bytes }
  one.visits.onLayerRun(job, { activation, ms: 1 }, nowMs + 20)
  return one.visits.onPrepared(job, heldTensor(self, 'made'), nowMs + 20)
}

/** Whom the steps that are told name, and undefined for each that is left to the lane. */
function namedBy(effects: readonly Effect[]): (PeerId | undefined)[] {
  return effects.flatMap((effect) =>
    (effect.do === 'tell' || effect.do === 'publish') && effect.message.kind === 'step'
      ? [effect.message.next]
      : [],
  )
}

describe('a favourite', () => {
  test('that declines is followed by whoever answers first when there is no other, and is waited for no more', () => {
    const one = author()
    expect(namedBy(one.onClaim(next, { ...claim, ttlMs: 0 }, 50))).toEqual([undefined])
    expect(one.wakeAtMs()).toBe(20_000)
  })

  test('that is silent is named again a few times, and then nobody is', () => {
    const one = author(true)
    const named: (PeerId | undefined)[] = []
    for (let i = 0; i < AGAINS_MAX + 2; i++) named.push(...namedBy(one.onTime(one.wakeAtMs())))
    expect(named).toEqual([...new Array(AGAINS_MAX).fill(next), undefined])
  })

  test('that is silent is not named again while it is a stranger', () => {
    const one = author()
    expect(namedBy(one.onTime(one.wakeAtMs()))).toEqual([undefined])
  })

  test('that was silent is no favourite of another request either, until it is heard', () => {
    const one = author()
    const silentMs = one.wakeAtMs()
    one.onTime(silentMs)
    const another = { ...given, request: '3'.repeat(32) as RequestId }
    expect(namedBy(handOver(one, another, silentMs))).toEqual([undefined])
  })

  test('that is at work is waited for as long as it says, and no longer than its work may take', () => {
    const one = author()
    one.onClaim(next, { ...claim, ttlMs: 60 }, 50)
    expect(one.wakeAtMs()).toBe(110)
    one.onClaim(next, { ...claim, ttlMs: 9_000 }, 100)
    expect(one.wakeAtMs()).toBeGreaterThan(110)
    expect(one.wakeAtMs()).toBeLessThan(300)
  })

  test('on trial speaks for strangers when it goes on, against them when it is silent', () => {
    const [silent, outrun, good] = [author(), author(), author()]
    const { strangersFail } = good
    silent.onTime(silent.wakeAtMs())
    expect(silent.strangersFail).toBeGreaterThan(strangersFail)
    const goOn = (by: PeerId) => stepAfter([first, self, by], { requester, next: requester })
    outrun.onStep(requester, goOn(requester), 50)
    expect(outrun.strangersFail).toBe(strangersFail)
    good.onStep(next, goOn(next), 50)
    expect(good.strangersFail).toBeLessThan(strangersFail)
  })

  test('cannot know how long its tensor waits here: its word and its work count from when that has left', () => {
    const one = author(false, 1)
    one.onClaim(next, { ...claim, ttlMs: 60 }, 50)
    // 80 bytes leave from 20 to 100 ms.
    expect(one.wakeAtMs()).toBe(50 + 60 + 50)
    const expectedMs = 20 + TRANSFER_FACTOR * (80 + 80 / ACCESS_BYTES_PER_MS) + 2
    one.onClaim(next, { ...claim, ttlMs: 9_000 }, 60)
    expect(one.wakeAtMs()).toBeCloseTo(50 + STRANGER_FACTOR * expectedMs + RESPONSE_SLACK_MS + 50)
  })

  test('whose claim is another’s changes nothing of whom the author waits for', () => {
    const one = author()
    const dueMs = one.wakeAtMs()
    one.onClaim(requester, { ...claim, ttlMs: 3_000 }, 50)
    expect(one.wakeAtMs()).toBe(dueMs)
  })
})
