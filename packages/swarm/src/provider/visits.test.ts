import { describe, expect, test } from 'vitest'
import { draw } from '../draw.ts'
import type { Effect } from '../effects.ts'
import type { JobId } from '../jobs.ts'
import { AILING_MS } from '../limits.ts'
import type { KnownPeer } from '../presence/peer-table.ts'
import { anyChain } from '../testing/any-chain.ts'
import { anyPresence } from '../testing/any-presence.ts'
import { heldTensor, stepAfter } from '../testing/any-step.ts'
import { loneProvider } from '../testing/lone-provider.ts'
import type { Claim, PeerId, RequestId, Step } from '../wire/messages.ts'
import type { Provider } from './provider.ts'

const self = 'self' as PeerId
const first = 'first' as PeerId
const next = 'next' as PeerId
const requester = 'requester' as PeerId

const bytes = new Uint8Array(80)
const made = { dtype: 'float16' as const, shape: [1, 5, 8] as const, bytes }
const ran = { activation: made, ms: 30 }
const { holder, hash, size, ...tensor } = heldTensor(self, 'made')
const small = { ...tensor, place: 'inline' as const, bytes }
const given = stepAfter([first], { requester, next: self })

const lone = (reached: readonly PeerId[] = [first, next, requester]) => loneProvider(self, reached)
const does = (effects: readonly Effect[]) => effects.map((effect) => effect.do)

/** Hears a step that names it, pulls its tensor and begins. @returns its job. */
function atWork(one: Provider, step: Step = given): JobId {
  const pull = one.onStep(first, step, 0).find((effect) => effect.do === 'pull')
  const { job } = pull as Extract<Effect, { do: 'pull' }>
  one.visits.onPulled(job, bytes, 10)
  return job
}

/** Lets time pass from the effects of now until a tensor is pulled. @returns the pull and when it was. */
function pulled(one: Provider, now: readonly Effect[], nowMs = 0) {
  let effects = now
  let atMs = nowMs
  for (let wakes = 0; !does(effects).includes('pull') && wakes < 50; wakes++) {
    atMs = one.wakeAtMs()
    effects = one.onTime(atMs)
  }
  const pull = effects.find((effect) => effect.do === 'pull') as Extract<Effect, { do: 'pull' }>
  return { ...pull, atMs }
}

describe('a visit whose layers have run', () => {
  test('is handed over with its receipt, and leaves room for another', () => {
    const one = lone()
    const job = atWork(one)
    expect(does(one.visits.onLayerRun(job, ran, 40))).toEqual(['prepare'])
    const effects = one.visits.onPrepared(job, heldTensor(self, 'made'), 45)
    expect(does(effects)).toEqual(['tell', 'push', 'report'])
    expect(effects[0]).toMatchObject({
      message: {
        kind: 'step',
        route: [{ peer: first }, { peer: self, ms: 30 }],
        activation: { hash },
      },
    })
    expect(one.throughput.state()).toMatchObject({ running: 0, served: 1 })
    expect(one.isAtWork).toBe(true)
  })

  test('is nobody’s when the others have gone back meanwhile: its result is withdrawn', () => {
    const one = lone()
    one.onStep(requester, stepAfter([], { requester }), 0)
    const job = atWork(one, { ...given, remainingMs: 19_000 })
    one.visits.onLayerRun(job, ran, 40)
    one.onStep(requester, stepAfter([], { requester, era: 1 }), 42)
    expect(one.visits.onPrepared(job, heldTensor(self, 'made'), 45)).toEqual([
      { do: 'withdraw', hash: 'made' },
    ])
  })

  test('fails when there is no room to hold the result', () => {
    const one = lone()
    const job = atWork(one)
    one.visits.onLayerRun(job, ran, 40)
    expect(one.visits.onPrepared(job, undefined, 45)).toMatchObject([
      { do: 'tell', message: { kind: 'claim', ttlMs: 0, lost: false } },
      { do: 'report', event: { type: 'hop-failed', hop: 2 } },
    ])
    expect(one.throughput.state().running).toBe(0)
  })
})

describe('a visit of several layers', () => {
  const both = (timeShare: number) =>
    loneProvider(self, [first, next, requester], { timeShare }, [1, 2])

  test('is one piece of work: the rest comes after its last layer', () => {
    const one = both(0.5)
    const job = atWork(one)
    expect(does(one.visits.onLayerRun(job, ran, 40))).toEqual(['run-layer'])
    expect(one.throughput.state().restsUntilMs).toBeLessThanOrEqual(40)
    expect(does(one.visits.onLayerRun(job, ran, 70))).toEqual(['prepare'])
    expect(one.throughput.state().restsUntilMs).toBe(130)
  })

  test('is heard of between two layers when they take long', () => {
    const one = both(1)
    const job = atWork(one)
    expect(one.visits.onLayerRun(job, { ...ran, ms: 5_000 }, 5_010)).toMatchObject([
      { do: 'tell', message: { kind: 'claim', hop: 1, layer: 2 }, to: [first, requester] },
      { do: 'run-layer', layer: 2 },
    ])
  })
})

describe('the only slot', () => {
  const waiting = stepAfter([first], { requester, request: '2'.repeat(32) as RequestId })
  const busy = () => {
    const one = loneProvider(self, [first, next, requester], { slots: 1 })
    const job = atWork(one)
    expect(one.onStep(first, waiting, 20)).toEqual([])
    return { one, job }
  }

  test('goes to whatever waits once a result is handed over', () => {
    const { one, job } = busy()
    one.visits.onLayerRun(job, ran, 40)
    const effects = one.visits.onPrepared(job, heldTensor(self, 'made'), 45)
    const { tensor, atMs } = pulled(one, effects, 45)
    expect(tensor).toEqual(waiting.activation)
    expect(atMs).toBeLessThan(1_000)
  })

  test('goes to whatever waits once the engine had a moment to recover', () => {
    const { one, job } = busy()
    const effects = one.visits.onLayerRun(job, { failure: 'out of memory' }, 40)
    const { tensor, atMs } = pulled(one, effects, 40)
    expect(tensor).toEqual(waiting.activation)
    expect(atMs).toBeGreaterThanOrEqual(40 + AILING_MS)
    expect(atMs).toBeLessThan(1_000 + AILING_MS)
  })
})

describe('a visit whose engine fails', () => {
  test('is released to whoever waits for it, and reported with the layer that failed', () => {
    const one = lone()
    const job = atWork(one)
    expect(one.visits.onLayerRun(job, { failure: 'out of memory' }, 40)).toMatchObject([
      {
        do: 'tell',
        message: { kind: 'claim', hop: 1, layer: 1, ttlMs: 0 },
        to: [first, requester],
      },
      { do: 'report', event: { type: 'hop-failed', hop: 1, layer: 1, reason: 'out of memory' } },
    ])
    expect(one.throughput.state()).toMatchObject({ running: 0, served: 0 })
    expect(one.visits.onPrepared(job, heldTensor(self, 'late'), 50)).toHaveLength(1)
  })

  test('is followed by no other before the engine had a moment to recover', () => {
    const one = lone()
    one.visits.onLayerRun(atWork(one), { failure: 'out of memory' }, 40)
    const another = (nowMs: number, digit: string) =>
      one.onStep(first, { ...given, request: digit.repeat(32) as RequestId }, nowMs)
    expect(another(39 + AILING_MS, '2')).toMatchObject([
      { do: 'tell', message: { kind: 'claim', ttlMs: 0 } },
    ])
    expect(does(another(40 + AILING_MS, '3'))).toEqual(['pull'])
  })
})

describe('a visit that was given up', () => {
  test('still tells how fast the engine is, and nothing else', () => {
    const one = lone()
    const job = atWork(one)
    one.onStep(next, stepAfter([first, next], { requester, next: requester }), 20)
    expect(one.visits.onLayerRun(job, ran, 40)).toEqual([])
    expect(one.throughput.state()).toMatchObject({ running: 0, served: 0, layerMs: 30 })
    expect(one.throughput.isNewlyMeasured).toBe(true)
    expect(one.visits.onLayerRun(job, { failure: 'out of memory' }, 50)).toEqual([])
  })

  test('ends the rest of a provider that gives a share of its time only with its run', () => {
    const one = loneProvider(self, [first, next, requester], { timeShare: 0.5 })
    const job = atWork(one)
    one.onStep(next, stepAfter([first, next], { requester, next: requester }), 20)
    one.visits.onLayerRun(job, ran, 40)
    expect(one.throughput.state().restsUntilMs).toBe(70)
  })
})

describe('a step that this provider failed at', () => {
  const digits = ['1', '2', '3', '4', '5', '6', '7', '8']

  const openOf = (digit: string) =>
    stepAfter([first], { requester, request: digit.repeat(32) as RequestId })

  test('is left to the others first when its engine failed, but not until its claim would have ended', () => {
    for (const digit of digits) {
      const one = lone()
      const { job: slow } = pulled(one, one.onStep(first, { ...openOf('a'), next: self }, 0))
      one.visits.onPulled(slow, bytes, 0)
      one.visits.onLayerRun(slow, { ...ran, ms: 3_000 }, 0)
      one.onDone(requester, { kind: 'done', request: openOf('a').request, isPublic: false }, 0)
      const { job, atMs } = pulled(one, one.onStep(first, openOf(digit), 0))
      one.visits.onPulled(job, bytes, atMs)
      const effects = one.visits.onLayerRun(job, { failure: 'out of memory' }, atMs + 10)
      const afterMs = pulled(one, effects, atMs + 10).atMs - (atMs + 10)
      expect(afterMs).toBeGreaterThan(AILING_MS)
      expect(afterMs).toBeLessThan(AILING_MS + 1_000)
    }
  })

  test('is left to the others first when its tensor could not be had', () => {
    for (const digit of digits) {
      const one = lone()
      const { job, atMs } = pulled(one, one.onStep(first, openOf(digit), 0))
      expect(does(one.visits.onPulled(job, undefined, atMs + 100))).toEqual(['publish'])
      expect(one.wakeAtMs()).toBeGreaterThan(atMs + 100)
    }
  })

  test('is its requester’s to take back when its tensor could not be had twice', () => {
    const one = lone()
    one.onStep(requester, stepAfter([], { requester }), 0)
    const { job, atMs } = pulled(one, one.onStep(first, stepAfter([first], { requester }), 5))
    const effects = one.visits.onPulled(job, undefined, atMs + 100)
    const { job: second, atMs: againMs } = pulled(one, effects, atMs + 100)
    const after = one.visits.onPulled(second, undefined, againMs + 100)
    expect(after).toMatchObject([{ do: 'publish', message: { kind: 'claim', lost: true } }])
    expect(one.wakeAtMs()).toBe(20_000)
  })
})

test('a tensor that neither this provider nor another could pull is bid for no more until its requester goes back', () => {
  const one = lone()
  one.onStep(requester, stepAfter([], { requester }), 0)
  const { job } = pulled(one, one.onStep(first, stepAfter([first], { requester }), 5))
  one.visits.onPulled(job, undefined, 100)
  const claim: Claim = {
    kind: 'claim',
    request: given.request,
    era: 0,
    hop: 1,
    layer: 1,
    ttlMs: 500,
    lost: false,
  }
  one.onClaim(next, claim, 110)
  expect(one.onClaim(next, { ...claim, ttlMs: 0, lost: true }, 120)).toEqual([])
  expect(one.wakeAtMs()).toBe(20_000)
})

test('a tensor that could not be had from here is pulled from another holder', () => {
  const one = lone([next, requester])
  const open = stepAfter([first], { requester })
  const { job, atMs } = pulled(one, one.onStep(first, open, 0))
  one.visits.onPulled(job, undefined, atMs + 20)
  const elsewhere = { ...open, activation: heldTensor(next, 'after 1') }
  const effects = one.onStep(requester, elsewhere, atMs + 21)
  const again = pulled(one, effects, atMs + 21)
  expect(again.tensor.holder).toBe(next)
  expect(again.atMs).toBeLessThan(atMs + 200)
})

test('a tensor that cannot be had though there is a way to its holder is lost for all', () => {
  const one = lone()
  const { job } = one.onStep(first, given, 0)[0] as Extract<Effect, { do: 'pull' }>
  expect(one.visits.onPulled(job, undefined, 100)).toMatchObject([
    { do: 'tell', message: { kind: 'claim', hop: 1, layer: 1, ttlMs: 0, lost: true } },
  ])
  expect(one.throughput.state().running).toBe(0)
})

test('a tensor that is here is its visit’s, whether or not whoever held it goes', () => {
  const one = lone()
  const job = atWork(one)
  expect(does(one.onDisconnected(first, 20))).not.toContain('cancel')
  expect(does(one.visits.onLayerRun(job, ran, 40))).toEqual(['prepare'])
})

describe('a tensor that is only passed on', () => {
  const passed = stepAfter([first, next, first, next], { requester, next: self })

  test('is kept here and handed over as it is, with no layer of this provider’s own', () => {
    const one = lone()
    const job = atWork(one, passed)
    const effects = one.visits.onPrepared(job, heldTensor(self, 'made'), 20)
    expect(effects[0]).toMatchObject({
      message: { route: passed.route, next: requester, activation: { holder: self } },
    })
    expect(does(effects)).toEqual(['tell', 'push'])
    expect(
      one.onDone(requester, { kind: 'done', request: given.request, isPublic: false }, 30),
    ).toEqual([{ do: 'withdraw', hash: 'made' }])
  })

  test('is declined when it would have to travel in a message of this provider’s own', () => {
    const one = lone()
    const job = atWork(one, passed)
    expect(one.visits.onPrepared(job, small, 20)).toMatchObject([
      { do: 'tell', message: { kind: 'claim', ttlMs: 0 } },
    ])
  })
})

describe('a tensor that cannot be had in the requests of others', () => {
  const known: KnownPeer = {
    peer: first,
    presence: anyPresence({ layers: [2, 3] }),
    heardAtMs: 0,
    firstHeardAtMs: 0,
    freeAtMs: 0,
    mark: draw(first),
  }
  /** Waits in vain for tensors of `first`, of as many requests. @returns whether layers are still left to it. */
  function isHostAfter(count: number, stepOf: () => Step): boolean {
    const one = lone()
    for (let at = 0; at < count; at++) {
      const step = { ...stepOf(), request: String(at).padStart(32, '0') as RequestId }
      const { job } = pulled(one, one.onStep(step.route.at(-1)?.peer ?? first, step, 0))
      one.visits.onPulled(job, undefined, 5)
    }
    return one.trust(10).hosts(known)
  }

  test('speaks against whoever says that it has it', () => {
    const said = () => stepAfter([first], { requester, next: self })
    expect([1, 2].map((times) => isHostAfter(times, said))).toEqual([true, false])
  })

  test('speaks against nobody whom a requester names', () => {
    const chain = anyChain([], { isOpen: false }).map((link) => ({ ...link, hop: 1 }))
    const named = () => ({ ...stepAfter([first], { requester, next: self }), chain })
    expect(isHostAfter(8, named)).toBe(true)
  })
})
