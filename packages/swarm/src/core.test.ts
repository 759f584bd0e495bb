import { describe, expect, test } from 'vitest'
import { Core } from './core.ts'
import { CORE_OPTIONS_DEFAULT } from './core-options.ts'
import type { Effect } from './effects.ts'
import { PUSH_SLACK_MS } from './fetch/limits.ts'
import { LANE_SETTLE_MS, LANE_STAY_MS, MOVE_PATIENCE_MS } from './lanes/limits.ts'
import { FIRST_PROVIDER_MS, JOIN_LISTEN_MS, PRESENCE_TTL_MS } from './limits.ts'
import { CLASSIFY_POLICY_DEFAULT } from './request.ts'
import { anyPresence } from './testing/any-presence.ts'
import { anyStep, heldTensor, hopsBy } from './testing/any-step.ts'
import type { PeerId, Presence, RequestId } from './wire/messages.ts'

const release = '5'.repeat(64)
const self = 'self' as PeerId
const host = 'host' as PeerId
const { request } = anyStep()

/** A member that hosts up to `capacity` layers of four, in a lane. */
function member(capacity: number, lane = 0) {
  const shape = { layers: 4, tokens: 5, width: 8 }
  const options = { ...CORE_OPTIONS_DEFAULT, audits: false, release, shape, self, capacity, lane }
  const core = new Core({ ...options, backend: 'reference' }, 0)
  const announce = (nowMs: number, given: Partial<Presence> = {}) => {
    const message = anyPresence({ release, layers: [0, 1, 2, 3], lane, sequence: nowMs, ...given })
    return core.handle({ on: 'message', from: host, via: host, message }, nowMs)
  }
  const ask = (nowMs: number) => {
    const policy = CLASSIFY_POLICY_DEFAULT
    core.handle({ on: 'asked', seed: '0'.repeat(32), request, policy }, nowMs)
    return core.handle({ on: 'stem-ready', request, activation: heldTensor(self) }, nowMs)
  }
  /** When the request fails, if nothing else comes; undefined for not before `untilMs`. */
  const failsAtMs = (untilMs: number): number | undefined => {
    for (;;) {
      const nowMs = core.wakeAtMs()
      if (nowMs > untilMs) return undefined
      const isFailed = core
        .handle({ on: 'time' }, nowMs)
        .some((effect) => effect.do === 'report' && effect.event.type === 'failed')
      if (isFailed) return nowMs
    }
  }
  return { core, announce, ask, failsAtMs }
}

const said = (effects: readonly Effect[]) =>
  effects.flatMap((effect) => (effect.do === 'publish' ? [effect.message] : []))

describe('a request of a member', () => {
  test('has no copy of a round leave while its uplink still carries tensors of tours', () => {
    const shape = { layers: 4, tokens: 5, width: 8 }
    const accessSpeed = () => ({ upload: 1, download: undefined })
    const options = { ...CORE_OPTIONS_DEFAULT, audits: false, release, shape, self, accessSpeed }
    const core = new Core({ ...options, backend: 'reference' }, 0)
    const message = anyPresence({ release, layers: [0, 1, 2, 3], freeSlots: 8 })
    core.handle({ on: 'message', from: host, via: host, message }, 0)
    const begin = (name: string, rounds: 'off' | number[]): readonly Effect[] => {
      const id = name.repeat(32) as RequestId
      const policy = { ...CLASSIFY_POLICY_DEFAULT, rounds }
      core.handle({ on: 'asked', seed: '0'.repeat(32), request: id, policy }, 100)
      const activation = heldTensor(self, name)
      return core.handle({ on: 'stem-ready', request: id, activation }, 100)
    }
    // Each takes 80 ms of the uplink.
    for (const name of ['2', '3', '4']) begin(name, 'off')
    const [pull] = begin('5', [2, 2])
    if (pull?.do !== 'pull') throw new Error('the input is not looked at')
    const bytes = new Uint8Array(80)
    const effects = [...core.handle({ on: 'pulled', job: pull.job, bytes }, 100)]
    const asks = (all: readonly Effect[]) =>
      all.some((effect) => effect.do === 'tell' && effect.message.kind === 'round')
    expect(asks(effects)).toBe(false)
    let atMs = 100
    while (atMs < 1_000 && !asks(core.handle({ on: 'time' }, atMs))) atMs = core.wakeAtMs()
    // Three tensors, but for the last and PUSH_SLACK_MS.
    expect(atMs).toBe(100 + 2 * 80 - PUSH_SLACK_MS)
  })

  test('fails when nobody has come who could serve it', () => {
    const { ask, failsAtMs } = member(0)
    ask(100)
    expect(failsAtMs(20_000)).toBe(100 + FIRST_PROVIDER_MS)
  })

  test('waits on once somebody comes, and not for somebody who is gone', () => {
    const gone: [string, (one: ReturnType<typeof member>) => void, number][] = [
      ['stays', () => undefined, Number.NaN],
      ['disconnects', ({ core }) => core.handle({ on: 'disconnected', peer: host }, 1_000), 1_000],
      ['moves', ({ announce }) => announce(1_000, { leaving: true, moving: true }), 1_000],
    ]
    for (const [what, goes, goneAtMs] of gone) {
      const one = member(0)
      one.ask(100)
      one.announce(500)
      goes(one)
      const failsAtMs = one.failsAtMs(500 + FIRST_PROVIDER_MS)
      expect(failsAtMs, what).toBeUndefined()
      if (!Number.isNaN(goneAtMs))
        expect(one.failsAtMs(20_000), what).toBe(goneAtMs + FIRST_PROVIDER_MS)
    }
  })

  test('waits no longer for somebody who has not been heard for long', () => {
    const { announce, ask, failsAtMs } = member(0)
    announce(1)
    ask(100)
    expect(failsAtMs(29_000)).toBe(1 + PRESENCE_TTL_MS + FIRST_PROVIDER_MS)
  })
})

describe('a layer', () => {
  test('is announced once it is loaded, and no longer than it is hosted', () => {
    const { core } = member(1)
    const host = core.handle({ on: 'time' }, JOIN_LISTEN_MS)
    const layer = host.find((effect) => effect.do === 'host-layer')?.layer as number
    expect(said(host)).toMatchObject([{ layers: [] }])
    const loaded = core.handle({ on: 'layer-hosted', layer, failure: undefined }, 2_000)
    expect(said(loaded)).toMatchObject([{ layers: [layer] }])
    expect(said(core.handle({ on: 'paused', paused: true }, 2_100))).toMatchObject([{ layers: [] }])
    expect(said(core.handle({ on: 'paused', paused: false }, 2_200))).toMatchObject([
      { layers: [layer] },
    ])
    expect(said(core.handle({ on: 'capacity-set', layers: 0 }, 2_300))).toMatchObject([
      { layers: [] },
    ])
  })
})

describe('a member that goes to another lane', () => {
  const WANTS_AT_MS = LANE_SETTLE_MS + LANE_STAY_MS
  /** A provider alone in lane 1, which has wanted to merge with lane 0 since WANTS_AT_MS. */
  function merging(prepare: (one: ReturnType<typeof member>) => void) {
    const one = member(1, 1)
    const lanes = [5, 1].map((providers, lane) => ({ lane, providers, askers: 0, lacking: 0 }))
    const count = (nowMs: number) => one.core.handle({ on: 'lanes-counted', lanes }, nowMs)
    count(LANE_STAY_MS)
    prepare(one)
    return { ...one, effects: count(WANTS_AT_MS) }
  }
  const entered = (effects: readonly Effect[]) =>
    effects.flatMap((effect) => (effect.do === 'enter' ? [effect.lane] : []))

  test('looks there soon for what is rare', () => {
    const { core, effects } = merging((one) => {
      one.core.handle({ on: 'time' }, WANTS_AT_MS - 10)
    })
    expect(entered(effects)).toEqual([0])
    expect(core.wakeAtMs()).toBe(WANTS_AT_MS + JOIN_LISTEN_MS)
  })

  test('has nobody there for its request until somebody is heard', () => {
    const { core, effects, failsAtMs } = merging((one) => {
      one.announce(WANTS_AT_MS - 20)
      one.ask(WANTS_AT_MS - 10)
    })
    expect(entered(effects)).toEqual([])
    const movesAtMs = WANTS_AT_MS + MOVE_PATIENCE_MS
    expect(entered(core.handle({ on: 'time' }, movesAtMs))).toEqual([0])
    expect(failsAtMs(movesAtMs + 20_000)).toBe(movesAtMs + FIRST_PROVIDER_MS)
  })

  test('enters none when it leaves instead', () => {
    const { core } = merging((one) => one.ask(WANTS_AT_MS - 10))
    const effects = core.handle({ on: 'left' }, WANTS_AT_MS + MOVE_PATIENCE_MS)
    expect(effects.map((effect) => effect.do)).toEqual(['publish'])
  })
})

test('what somebody holds is fetched on when they go to another lane, and not when they leave', () => {
  for (const [moving, cancels] of [
    [true, 0],
    [false, 1],
  ] as const) {
    const { core, announce, ask } = member(0)
    announce(1)
    ask(100)
    const last = anyStep({
      requester: self,
      route: hopsBy(host, 4),
      next: self,
      activation: heldTensor(host, 'last'),
    })
    const [verify] = core.handle({ on: 'message', from: host, via: host, message: last }, 200)
    if (verify?.do !== 'verify') throw new Error('nothing is checked')
    const asked = core.handle({ on: 'verified', job: verify.job, isTrue: true }, 200)
    expect(asked.filter((effect) => effect.do === 'pull')).toHaveLength(1)
    const effects = announce(300, { leaving: true, moving })
    expect(effects).toContainEqual({ do: 'report', event: { type: 'peer-left', peer: host } })
    expect(effects.filter((effect) => effect.do === 'cancel')).toHaveLength(cancels)
  }
})

describe('a member that has left', () => {
  test('says goodbye, and nothing after that', () => {
    const { core, announce } = member(1)
    core.handle({ on: 'time' }, 0)
    expect(said(core.handle({ on: 'left' }, 100))).toMatchObject([{ leaving: true, moving: false }])
    expect(announce(200)).toEqual([])
    expect(core.handle({ on: 'time' }, 60_000)).toEqual([])
    expect(core.wakeAtMs()).toBe(Number.POSITIVE_INFINITY)
  })
})
