import { describe, expect, test } from 'vitest'
import { CORE_OPTIONS_DEFAULT, Core } from './core.ts'
import type { Effect, Input } from './effects.ts'
import type { ModelShape } from './step.ts'
import type {
  HeldActivation,
  Message,
  PeerId,
  RequestId,
  Step,
  TensorHash,
} from './wire/messages.ts'

const SHAPE: ModelShape = { layers: 4, tokens: 5, width: 8 }
const RELEASE = '5'.repeat(64)
const REQUEST = 'a'.repeat(32) as RequestId
const asker = 'asker' as PeerId
const near = 'near' as PeerId
const far = 'far' as PeerId

const tensor = (holder: PeerId, hash: string): HeldActivation => ({
  place: 'held',
  dtype: 'float16',
  batch: 1,
  tokens: 5,
  width: 8,
  size: 80,
  holder,
  hash: hash as TensorHash,
})

function presence(layers: readonly number[]): Message {
  return {
    kind: 'presence',
    release: RELEASE,
    sequence: 1,
    layers,
    freeSlots: 8,
    links: 0,
    layerMs: 1,
    backend: 'reference',
    addresses: [],
    asking: false,
    leaving: false,
  }
}

function step(route: readonly number[], author: PeerId, activation = tensor(author, 'h')): Step {
  return {
    kind: 'step',
    request: REQUEST,
    requester: asker,
    era: 0,
    route: route.map((layer) => ({ layer, peer: author, backend: 'reference', ms: 1 })),
    plan: [],
    activation,
    remainingMs: 10_000,
  }
}

/** A provider of the given layers that knows two others, one near and one far. */
function provider(
  serve: readonly number[],
  options: Partial<ConstructorParameters<typeof Core>[0]> = {},
) {
  const core = new Core(
    {
      ...CORE_OPTIONS_DEFAULT,
      release: RELEASE,
      shape: SHAPE,
      self: 'me' as PeerId,
      backend: 'reference',
      serve,
      handsOver: true,
      rttMs: (peer) => (peer === near ? 20 : 400),
      ...options,
    },
    0,
  )
  const feed = (input: Input, nowMs: number): Effect[] => core.handle(input, nowMs)
  feed({ on: 'time' }, 0)
  for (const layer of serve) feed({ on: 'layer-hosted', layer, failure: undefined }, 1)
  for (const peer of [near, far])
    feed({ on: 'message', from: peer, message: presence([0, 1, 2, 3]) }, 2)
  const hear = (message: Message, from: PeerId, nowMs: number) =>
    feed({ on: 'message', from, message }, nowMs)
  return { core, feed, hear }
}

const doing = (effects: readonly Effect[], what: Effect['do']) =>
  effects.filter((effect) => effect.do === what)

describe('a tensor that was handed over', () => {
  test('is worked on at once, and by nobody else until they have waited', () => {
    const handed = provider([2])
    handed.feed({ on: 'handed', hash: 'h' as TensorHash }, 10)
    expect(doing(handed.hear(step([0, 1], near), near, 11), 'pull')).toHaveLength(1)
    const other = provider([2])
    expect(doing(other.hear(step([0, 1], near), near, 11), 'pull')).toEqual([])
    expect(other.core.wakeAtMs()).toBeGreaterThanOrEqual(11 + 40)
  })

  test('may come before or after the step that speaks of it', () => {
    const { hear, feed } = provider([2])
    hear(step([0, 1], near), near, 10)
    expect(doing(feed({ on: 'handed', hash: 'h' as TensorHash }, 12), 'pull')).toHaveLength(1)
  })

  test('goes to the nearest who can go on', () => {
    const { hear, feed } = provider([3])
    feed({ on: 'handed', hash: 'h' as TensorHash }, 10)
    const [pull] = doing(hear(step([0], asker), asker, 10), 'pull')
    if (pull?.do !== 'pull') throw new Error('no pull')
    feed({ on: 'pulled', job: pull.job, bytes: new Uint8Array(80) }, 20)
    const activation = tensor('me' as PeerId, 'mine')
    const effects = feed({ on: 'layer-run', job: pull.job, outcome: { activation, ms: 1 } }, 21)
    expect(doing(effects, 'push')).toEqual([{ do: 'push', hash: 'mine', to: near }])
  })

  test('stays where it is when its author can go on itself', () => {
    const { hear, feed } = provider([2, 3])
    feed({ on: 'handed', hash: 'h' as TensorHash }, 10)
    const [pull] = doing(hear(step([0], asker), asker, 10), 'pull')
    if (pull?.do !== 'pull') throw new Error('no pull')
    feed({ on: 'pulled', job: pull.job, bytes: new Uint8Array(80) }, 20)
    const activation = tensor('me' as PeerId, 'mine')
    const effects = feed({ on: 'layer-run', job: pull.job, outcome: { activation, ms: 1 } }, 21)
    expect(doing(effects, 'push')).toEqual([])
    expect(doing(effects, 'pull')).toHaveLength(1)
  })
})

describe('a tensor that cannot be reached', () => {
  test('is passed on in words by the favourite, so that nobody waits for it', () => {
    const alone = provider([2], { reaches: (peer) => peer !== asker, handsOver: false })
    for (const peer of [near, far]) alone.feed({ on: 'disconnected', peer }, 5)
    const effects = alone.hear(step([0, 1], asker, tensor(asker, 'h')), asker, 10)
    const [said] = doing(effects, 'publish')
    expect(said).toMatchObject({ message: { kind: 'claim', ttlMs: 0, hop: 2 } })
    expect(doing(effects, 'pull')).toEqual([])
  })
})

test('a provider whose device is lost does not claim again in the same breath', () => {
  const { hear, feed, core } = provider([2], { handsOver: false })
  for (const peer of [near, far]) feed({ on: 'disconnected', peer }, 5)
  const inline = { ...tensor(asker, 'h'), place: 'inline', bytes: new Uint8Array(80) } as const
  const [run] = doing(hear({ ...step([0, 1], asker), activation: inline }, asker, 10), 'run-layer')
  if (run?.do !== 'run-layer') throw new Error('no run')
  const effects = feed({ on: 'layer-run', job: run.job, outcome: { failure: 'lost' } }, 12)
  expect(doing(effects, 'run-layer')).toEqual([])
  expect(core.wakeAtMs()).toBeLessThanOrEqual(12 + 1_000)
  expect(doing(feed({ on: 'time' }, 1_012), 'run-layer')).toHaveLength(1)
})

test('a run that came too late still tells how slow its provider is', () => {
  const { hear, feed, core } = provider([2], { handsOver: false })
  for (const peer of [near, far]) feed({ on: 'disconnected', peer }, 5)
  const inline = { ...tensor(asker, 'h'), place: 'inline', bytes: new Uint8Array(80) } as const
  const [run] = doing(hear({ ...step([0, 1], asker), activation: inline }, asker, 10), 'run-layer')
  if (run?.do !== 'run-layer') throw new Error('no run')
  const activation = { ...inline, bytes: new Uint8Array(80) }
  hear({ ...step([0, 1, 3], near), activation }, near, 500)
  const late = feed({ on: 'layer-run', job: run.job, outcome: { activation, ms: 900 } }, 920)
  expect(late).toContainEqual(
    expect.objectContaining({
      message: expect.objectContaining({ kind: 'presence', layerMs: 900 }),
    }),
  )
  // Idle, it grows hopeful; the next run puts that right at once.
  for (let nowMs = 4_000; nowMs < 40_000; nowMs += 3_000) feed({ on: 'time' }, nowMs)
  expect(core.snapshot(40_000).layerMs).toBeLessThan(100)
  const other = 'b'.repeat(32) as RequestId
  const again = { ...step([0, 1], asker), request: other, activation: inline }
  const [second] = doing(hear(again, asker, 40_000), 'run-layer')
  if (second?.do !== 'run-layer') throw new Error('no second run')
  feed({ on: 'layer-run', job: second.job, outcome: { activation, ms: 900 } }, 40_900)
  expect(core.snapshot(41_000).layerMs).toBe(900)
})
