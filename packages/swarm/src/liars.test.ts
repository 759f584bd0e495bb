import { describe, expect, test } from 'vitest'
import type { Transport } from './ports.ts'
import type { Checked } from './request.ts'
import { ask, layersOf, SMALL } from './testing/asking.ts'
import { LyingCompute } from './testing/lying-compute.ts'
import { Recounts } from './testing/recounts.ts'
import { isTainted } from './testing/symbols.ts'
import { simulatedMember, World } from './testing/world.ts'
import type { Message, PeerId, RequestId } from './wire/messages.ts'

/** 50 x 64 in float16 is 6,400 bytes: by reference, as those of the model that ships. */
const HELD = { layers: 4, tokens: 50, width: 64 }

function counted(): () => number {
  let told = 1
  return () => told++
}

/** Whoever listens hears each message after this does. */
function tapped(transport: Transport, heard: (message: Message) => void): Transport {
  const listen = transport.listen.bind(transport)
  transport.listen = (events) =>
    listen({
      ...events,
      messageArrived: (from, message, via) => {
        heard(message)
        events.messageArrived(from, message, via)
      },
    })
  return transport
}

/** Somebody who asks, six honest providers of two layers each and one of all layers with this engine, whom everybody prefers. */
function lane(shape: typeof SMALL, lies: (isRecount: boolean) => boolean) {
  const world = new World({ shape })
  const asker = world.join('asker')
  const pairs = [
    [0, 1],
    [1, 2],
    [2, 3],
    [3, 0],
    [0, 2],
    [1, 3],
  ] as const
  for (const [i, serve] of pairs.entries()) world.join(`p${i}`, { serve })
  const serve = [0, 1, 2, 3]
  const odd = 'odd' as PeerId
  const recounts = new Recounts(odd, () => world.clock.nowMs())
  const compute = new LyingCompute(world.clock, {
    isLie: (layer, hop, input) => lies(recounts.take(layer, hop, input)),
    // No two lies are the same.
    nextMark: counted(),
  })
  const transport = tapped(world.network.join(odd), (message) => recounts.heard(message))
  const { clock, random } = world
  simulatedMember({ transport, clock, random, compute }, { shape, serve }).member.start()
  world.clock.run(6_000)
  const outvoted: PeerId[] = []
  asker.member.on((event) => {
    if (event.type === 'peer-outvoted') outvoted.push(event.peer)
  })
  return { world, asker, outvoted }
}

async function askOften(
  { world, asker }: ReturnType<typeof lane>,
  times: number,
): Promise<{ wrong: number; answered: number; byOdd: number[] }> {
  const seen = { wrong: 0, answered: 0, byOdd: [] as number[] }
  for (let i = 0; i < times; i++) {
    const { answer } = await ask(world, asker).finish()
    world.clock.run(world.clock.nowMs() + 3_000)
    if (answer === undefined) continue
    seen.answered++
    if (isTainted(answer.logits[0] ?? [])) seen.wrong++
    seen.byOdd.push(answer.route.filter(({ peer }) => peer === ('odd' as PeerId)).length)
    expect(layersOf(answer)).toHaveLength(4)
  }
  return seen
}

describe.each([
  ['in the message', SMALL],
  ['that are held', HELD],
])('with tensors %s', (_, shape) => {
  test('who always lies is outvoted by its first visit, and has no part in anything after that', async () => {
    const one = lane(shape, () => true)
    const { wrong, answered, byOdd } = await askOften(one, 40)
    expect(one.outvoted).toEqual(['odd'])
    expect(answered).toBe(40)
    expect(wrong).toBeLessThanOrEqual(1)
    const last = byOdd.findLastIndex((layers) => layers > 0)
    expect(byOdd.slice(last + 1).length).toBeGreaterThan(20)
  })

  test('an answer with a lie in it is doubted once that is found, and honest ones are checked', async () => {
    const one = lane(shape, () => true)
    const known = new Map<RequestId, Checked>()
    const lied = new Set<RequestId>()
    one.asker.member.on((event) => {
      if (event.type === 'answer-checked') known.set(event.request, event.checked)
      if (event.type !== 'answered') return
      const { request, checked, route, logits } = event.answer
      known.set(request, checked)
      if (isTainted(logits[0] ?? []) && route.some(({ peer }) => peer === ('odd' as PeerId)))
        lied.add(request)
    })
    await askOften(one, 40)
    for (const [request, { layers, doubted }] of known) {
      expect(doubted.length > 0).toBe(lied.has(request))
      expect(layers.some((layer) => doubted.includes(layer))).toBe(false)
    }
    const honest = [...known.values()].filter(({ layers }) => layers.length > 0)
    expect(honest.length).toBeGreaterThan(0)
  })

  test('nobody is outvoted where all are honest', async () => {
    const one = lane(shape, () => false)
    expect(await askOften(one, 40)).toMatchObject({ wrong: 0, answered: 40 })
    expect(one.outvoted).toEqual([])
  })

  test('who lies only as an auditor has nobody barred but itself', async () => {
    const one = lane(shape, (isRecount) => isRecount)
    expect(await askOften(one, 40)).toMatchObject({ wrong: 0, answered: 40 })
    expect(one.outvoted.filter((peer) => peer !== ('odd' as PeerId))).toEqual([])
  })
})

test('everything that audits hold is let go', async () => {
  const one = lane(HELD, () => true)
  await askOften(one, 10)
  one.world.clock.run(one.world.clock.nowMs() + 10_000)
  for (const { peer } of one.world.inhabitants.values())
    expect(one.world.network.held(peer)).toBe(0)
})

test('three that lie alike outvote nobody, though only two are honest: the asker runs what is disputed itself', async () => {
  const world = new World({ shape: HELD })
  const asker = world.join('asker')
  const pairs = [
    [0, 1],
    [2, 3],
  ]
  for (const [i, serve] of [...pairs, ...pairs].entries()) world.join(`p${i}`, { serve })
  const { clock, random } = world
  for (const name of ['x', 'y', 'z']) {
    const transport = world.network.join(name as PeerId)
    const compute = new LyingCompute(clock, { isLie: () => true, nextMark: () => 1 })
    simulatedMember(
      { transport, clock, random, compute },
      { shape: HELD, serve: [0, 1, 2, 3] },
    ).member.start()
  }
  clock.run(6_000)
  const outvoted = new Set<PeerId>()
  asker.member.on((event) => {
    if (event.type === 'peer-outvoted') outvoted.add(event.peer)
  })
  await askOften({ world, asker, outvoted: [] }, 15)
  const { wrong, answered } = await askOften({ world, asker, outvoted: [] }, 30)
  expect([[...outvoted].sort(), wrong, answered]).toEqual([['x', 'y', 'z'], 0, 30])
})
