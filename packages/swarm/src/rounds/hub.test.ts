import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { layerSet } from '../claims/layer-set.ts'
import type { CoreEffect } from '../effects.ts'
import { PUSH_SLACK_MS } from '../fetch/limits.ts'
import { Uplink } from '../fetch/uplink.ts'
import type { JobId } from '../jobs.ts'
import { Mixing } from '../lanes/mixing.ts'
import { CLASSIFY_POLICY_DEFAULT } from '../request.ts'
import {
  layersIn,
  symbolicArithmetic,
  symbolicRows,
  symbolicStem,
  trueRoute,
} from '../testing/symbols.ts'
import type { Message, PeerId, RequestId, Round, Update } from '../wire/messages.ts'
import { nameOf } from './executor.ts'
import { Hub } from './hub.ts'
import { CurrentRound } from './round.ts'

const LAYERS = 6
const PEERS = ['anna', 'ben', 'carl', 'dora'].map((name) => name as PeerId)
const REQUEST = 'a'.repeat(32) as RequestId
const SHAPE = { batch: 1, tokens: 5, width: 8, dtype: 'float16' } as const

/** What executors, and strangers among them, may do next, and how time passes. */
const anyEvent = fc.oneof(
  fc.record({
    do: fc.constant('update' as const),
    by: fc.nat(PEERS.length - 1),
    /** Layers that it says it has run; undefined: those that it was asked for last. */
    layers: fc.option(fc.uniqueArray(fc.nat(LAYERS - 1), { maxLength: 3 }), { nil: undefined }),
    isOfInput: fc.boolean(),
    roundAhead: fc.constantFrom(0, 0, 0, 1),
    lies: fc.constantFrom(false, false, false, true),
  }),
  fc.record({ do: fc.constant('gone' as const), by: fc.nat(PEERS.length - 1) }),
  fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 900 }) }),
)

/**
 * A hub among four hosts of everything, and what it has said.
 * @param sendMs of one copy through its access.
 * @param areConnected still, when they were silent.
 */
function stage(sendMs = 1, areConnected = false) {
  let number = 0
  let nowMs = 0
  const asked = new Map<PeerId, Round>()
  const told: { atMs: number; request: RequestId; kind: 'round' | 'done'; to: PeerId }[] = []
  const ends: CoreEffect[] = []
  const silent: PeerId[] = []
  const executors = PEERS.map((peer) => ({
    peer,
    layers: layerSet(Array.from({ length: LAYERS }, (_, layer) => layer)),
    ...{ layerMs: 20, isMeasured: true, pending: 0, wayMs: 20, inMs: 1, outMs: 1, isHub: false },
  }))
  const hub = new Hub({
    self: 'hub' as PeerId,
    sight: {
      look: (_, { waitMs }) => ({
        executors,
        hosts: executors.map((one) => ({ ...one, isReachable: areConnected })),
        access: { sendMs, receiveMs: 1, waitMs },
        tourMs: () => Number.POSITIVE_INFINITY,
      }),
      transferMs: () => 1,
    },
    own: { runOwn: () => undefined },
    uplink: new Uplink(),
    arithmetic: symbolicArithmetic,
    isPlausible: (_, output) => output.bytes[1] === 0,
    shared: {
      begin: () => {},
      summed: () => [],
      recounted: () => [],
      barred: () => [],
      holds: () => false,
      answered: () => ({ layers: [], doubted: [] }),
      ended: () => {},
      left: () => {},
    },
    nextJob: (): JobId => ({ owner: 'rounds', number: ++number }),
    mixing: new Mixing({ release: '', shape: { ...SHAPE, layers: LAYERS } }),
    backend: () => 'reference',
    judged: (peer, hasDelivered) => {
      if (!hasDelivered) silent.push(peer)
    },
  })
  const perform = (effects: CoreEffect[]): void => {
    for (const effect of effects) performOne(effect)
  }
  const note = (message: Message, to: PeerId): void => {
    if (message.kind === 'round') asked.set(to, message)
    if (message.kind === 'round' || message.kind === 'done')
      told.push({ atMs: nowMs, request: message.request, kind: message.kind, to })
  }
  const performOne = (effect: CoreEffect): void => {
    switch (effect.do) {
      case 'tell':
        for (const to of effect.to) note(effect.message, to)
        return
      case 'report':
        if (['answered', 'failed'].includes(effect.event.type)) ends.push(effect)
        return
      case 'go-on':
        ends.push(effect)
        return
      case 'prepare': {
        const { bytes } = effect.tensor
        perform(hub.onPrepared(effect.job, { place: 'inline', ...SHAPE, bytes }, nowMs))
        return
      }
      case 'run-head':
        perform(hub.onHeadRun(effect.job, { logits: symbolicRows(effect.input) }, nowMs))
        return
      default:
    }
  }
  return {
    hub,
    asked,
    told,
    silent,
    ends,
    perform,
    now: () => nowMs,
    pass: (ms: number) => (nowMs += ms),
  }
}

function updateOf(
  round: Round,
  layers: readonly number[],
  of: { isOfInput: boolean; roundAhead: number; lies: boolean },
  name: Update['input'],
): Update {
  const bytes = symbolicStem(80, 0)
  bytes[0] = layers.length
  layers.forEach((layer, i) => {
    bytes[6 + i] = layer
  })
  if (of.lies) bytes[1] = 1
  return {
    kind: 'update',
    request: round.request,
    round: round.round + of.roundAhead,
    input: of.isOfInput ? name : ('f'.repeat(64) as Update['input']),
    backend: 'reference',
    layers: layers.map((layer) => ({ layer, ms: 1 })),
    sum: layers.length === 0 ? undefined : { place: 'inline', ...SHAPE, bytes },
  }
}

/** Something happens. */
function act(
  { hub, asked, perform, now, pass }: ReturnType<typeof stage>,
  event: EventOf<typeof anyEvent>,
): void {
  if (event.do === 'wait') {
    pass(event.ms)
    return perform(hub.onTime(now()))
  }
  const by = PEERS[event.by] as PeerId
  if (event.do === 'gone') return perform(hub.onDisconnected(by, now()))
  const round = asked.get(by)
  if (round === undefined) return
  const layers = event.layers ?? round.layers
  perform(hub.onUpdate(by, updateOf(round, layers, event, nameOf(round.input)), now()))
}

type EventOf<A> = A extends fc.Arbitrary<infer E> ? E : never

/** What is left to a tour, or answered, names each layer once, and was computed as it says. */
function checkEnd([end]: readonly CoreEffect[]): void {
  if (end?.do === 'go-on') {
    const { route, rounds, activation } = end.halfway
    const layers = route.map(({ layer }) => layer)
    expect(layers.length).toBeLessThan(LAYERS)
    expect(new Set(layers).size).toBe(layers.length)
    expect(rounds.reduce((a, b) => a + b, 0)).toBe(layers.length)
    if (activation.place === 'inline') expect(layersIn(activation.bytes)).toEqual(layers)
  }
  if (end?.do !== 'report' || end.event.type !== 'answered') return
  const { route, missingLayers, rounds, logits } = end.event.answer
  const layers = route.map(({ layer }) => layer)
  expect(new Set([...layers, ...missingLayers]).size).toBe(LAYERS)
  expect(layers.length + missingLayers.length).toBe(LAYERS)
  expect(rounds.reduce((a, b) => a + b, 0)).toBe(layers.length)
  expect(trueRoute(logits[0] ?? [])).toEqual(layers)
}

describe('whatever executors do and leave undone', () => {
  test('a request ends once, in time, each layer counts once, and only what was made of its input', () => {
    fc.assert(
      fc.property(
        fc.array(anyEvent, { maxLength: 40 }),
        fc.constantFrom([3, 3], [2, 2, 2], [6], [1, 5]),
        fc.constantFrom(1, 10, 300),
        fc.boolean(),
        (events, groups, sendMs, areConnected) => {
          const one = stage(sendMs, areConnected)
          const { hub, ends, perform, now, pass } = one
          const policy = { ...CLASSIFY_POLICY_DEFAULT, deadlineMs: 20_000 }
          const activation = { place: 'inline', ...SHAPE, bytes: symbolicStem(80, 0) } as const
          const opening = { policy, startedMs: 0 }
          const layers = Array.from({ length: LAYERS }, (_, layer) => layer)
          const wanted = { request: REQUEST, opening, groups, layers, origin: activation }
          perform(hub.begin(wanted, 0))
          for (const event of events) act(one, event)
          for (let i = 0; i < 2_000 && ends.length === 0; i++) {
            pass(Math.max(1, hub.wakeAtMs() - now()))
            perform(hub.onTime(now()))
          }
          expect(ends).toHaveLength(1)
          expect(now()).toBeLessThanOrEqual(20_000)
          expect(hub.inFlight).toBe(0)
          expect(hub.wakeAtMs()).toBe(Number.POSITIVE_INFINITY)
          checkEnd(ends)
        },
      ),
      { numRuns: 300 },
    )
  })
})

/** Asks one more request of a hub, all layers of which are one round. */
function begin({ hub, perform, now }: ReturnType<typeof stage>, request: RequestId): void {
  const policy = { ...CLASSIFY_POLICY_DEFAULT, deadlineMs: 20_000 }
  const origin = { place: 'inline', ...SHAPE, bytes: symbolicStem(80, 0) } as const
  const layers = Array.from({ length: LAYERS }, (_, layer) => layer)
  const opening = { policy, startedMs: now() }
  perform(hub.begin({ request, opening, groups: [LAYERS], layers, origin }, now()))
}

/** Goes on to when something is due, until then. */
function runUntil({ hub, perform, now, pass }: ReturnType<typeof stage>, untilMs: number): void {
  for (let i = 0; i < 1_000 && hub.wakeAtMs() <= untilMs; i++) {
    pass(Math.max(0, hub.wakeAtMs() - now()))
    perform(hub.onTime(now()))
  }
  pass(untilMs - now())
}

describe('a hub whose uplink is slow', () => {
  const OTHER = 'b'.repeat(32) as RequestId
  const SEND_MS = 15

  test('asks each executor when its copy can leave, whichever request it is for', () => {
    const one = stage(SEND_MS)
    begin(one, REQUEST)
    begin(one, OTHER)
    const copies = () => one.told.filter(({ kind }) => kind === 'round')
    const shares = (of: RequestId) => copies().filter(({ request }) => request === of).length
    // Two copies may wait for each other and for the way; more would be asked for once more.
    const atOnce = copies().length
    expect(atOnce).toBeGreaterThan(1)
    runUntil(one, 140)
    expect(copies().length).toBeGreaterThan(atOnce)
    expect(shares(OTHER)).toBeGreaterThan(1)
    for (const [i, { atMs }] of copies().entries())
      expect(i * SEND_MS - atMs).toBeLessThanOrEqual(SEND_MS + PUSH_SLACK_MS)
    const first = copies().map(({ request }) => request)
    expect(first).toEqual([...first].sort())
  })

  test('gives nobody up for silence before it was asked', () => {
    const one = stage(200)
    for (let i = 0; i < 8; i++) begin(one, `${i}`.repeat(32) as RequestId)
    runUntil(one, 600)
    const copies = one.told.filter(({ kind }) => kind === 'round')
    const askedTwice = copies.filter(
      ({ request, to }, i) =>
        copies.findIndex((two) => two.request === request && two.to === to) !== i,
    )
    expect(askedTwice).toEqual([])
    expect(copies.length).toBeLessThanOrEqual(1 + Math.ceil(600 / 200) + 1)
    expect(one.silent).toEqual([])
  })

  test('asks nobody for a request that has ended meanwhile, nor tells them of its end', () => {
    const one = stage(SEND_MS)
    begin(one, REQUEST)
    begin(one, OTHER)
    const before = one.told.filter(({ request }) => request === OTHER)
    one.perform(one.hub.cancel(OTHER))
    const done = one.told.filter(({ kind }) => kind === 'done')
    expect(done.map(({ to }) => to)).toEqual(before.map(({ to }) => to))
    runUntil(one, 140)
    expect(one.told.filter(({ request }) => request === OTHER)).toEqual([...before, ...done])
  })
})

describe('sums of one round', () => {
  test('that count have no layer in common, and are at most as many as it has layers', () => {
    const anySum = fc.uniqueArray(fc.nat(LAYERS - 1), { minLength: 1, maxLength: LAYERS })
    fc.assert(
      fc.property(fc.array(anySum, { maxLength: 30 }), (sums) => {
        const tensor = { dtype: 'float16', shape: [1, 5, 8], bytes: new Uint8Array(80) } as const
        const activation = { place: 'inline', ...SHAPE, bytes: tensor.bytes } as const
        const input = { tensor, activation, name: '' as Update['input'] }
        const round = new CurrentRound(0, input, [0, 1, 2, 3, 4, 5], 1_000)
        let most = 0
        for (const layers of sums) {
          const hop = { peer: 'anna' as PeerId, backend: 'reference', ms: 1 } as const
          round.take({ hops: layers.map((layer) => ({ ...hop, layer })), sum: tensor })
          const counted = round.sums.flatMap(({ hops }) => hops.map(({ layer }) => layer))
          expect(new Set(counted).size).toBe(counted.length)
          expect(round.sums.length).toBeLessThanOrEqual(LAYERS)
          // What counts never becomes less.
          expect(counted.length).toBeGreaterThanOrEqual(most)
          most = counted.length
        }
      }),
    )
  })
})
