import type { EncodedActivation } from '@layerswarm/model'
import { encodeActivation, tensor } from '@layerswarm/model'
import { describe, expect, test } from 'vitest'
import { roundArithmetic } from '../audits/round-arithmetic.ts'
import { isStepOfLayers } from '../audits/step-size.ts'
import type { LayerOutcome } from '../ports.ts'
import { ask } from '../testing/asking.ts'
import { SymbolicCompute } from '../testing/symbolic-compute.ts'
import { isTainted, tainted } from '../testing/symbols.ts'
import { World } from '../testing/world.ts'
import type { PeerId } from '../wire/messages.ts'

const ALL = [0, 1, 2, 3, 4, 5, 6, 7]
const ROUNDS = { rounds: [4, 4] } as const
const LIAR = 'liar' as PeerId
/** The size of a step shows this lie, and hides the other. */
const [SHOWING, HIDDEN] = [2, 200]

/** Lies in every layer. */
class Lying extends SymbolicCompute {
  readonly mark: number

  constructor(world: World, mark: number) {
    super(world.clock, 2)
    this.mark = mark
  }

  override run(
    layer: number,
    hop: number,
    input: EncodedActivation,
    finished: (outcome: LayerOutcome) => void,
  ): void {
    super.run(layer, hop, input, (outcome) => {
      if ('failure' in outcome) return finished(outcome)
      const { activation } = outcome
      finished({
        ...outcome,
        activation: { ...activation, bytes: tainted(activation.bytes, this.mark) },
      })
    })
  }
}

/** Four hosts of everything, one of whom lies with this mark, and somebody who asks. */
function lane(mark: number, audits: boolean) {
  const world = new World({ layerMs: 2 })
  for (const name of ['anna', 'ben', 'carl']) world.join(name, { serve: ALL })
  world.joinWith(LIAR, new Lying(world, mark), { serve: ALL })
  const asker = world.join('asker', { audits })
  const outvoted: PeerId[] = []
  const checked: number[][] = []
  asker.member.on((event) => {
    if (event.type === 'peer-outvoted') outvoted.push(event.peer)
    if (event.type === 'answer-checked') checked.push([...event.checked.layers])
  })
  world.clock.run(6_000)
  return { world, asker, outvoted, checked }
}

/** Whether each of so many answers in rounds has a lie in it. */
async function lies({ world, asker }: ReturnType<typeof lane>, times: number): Promise<boolean[]> {
  const found: boolean[] = []
  for (let i = 0; i < times; i++) {
    const { answer } = await ask(world, asker, ROUNDS).finish()
    if (answer === undefined) throw new Error('no answer')
    expect(answer.missingLayers).toEqual([])
    found.push(isTainted(answer.logits[0] ?? []))
    world.clock.run(world.clock.nowMs() + 2_000)
  }
  return found
}

describe('a sum', () => {
  test('whose size is none of its layers goes into no answer, whether audits are made or not', async () => {
    for (const audits of [true, false]) {
      const one = lane(SHOWING, audits)
      expect(await lies(one, 8)).not.toContain(true)
      // It is found out by that alone, for such a sum is looked at for certain.
      expect(one.outvoted).toEqual(audits ? [LIAR] : [])
    }
  })

  test('that hides its lie is run again, whoever made it is outvoted and has no part in what comes after', async () => {
    const one = lane(HIDDEN, true)
    const found = await lies(one, 12)
    expect(one.outvoted).toEqual([LIAR])
    expect(found.slice(3)).not.toContain(true)
    // What was found right, and what was not, is said of answers in rounds too.
    expect(one.checked.flat().length).toBeGreaterThan(0)
    const before = await lies(lane(HIDDEN, false), 12)
    expect(before.filter(Boolean).length).toBeGreaterThan(6)
  })

  test('that is disputed while its request is open is taken out, and the round is run again', async () => {
    const one = lane(HIDDEN, true)
    const { world, asker } = one
    // Many at once: those that are open when the liar is found out are mended.
    const asked = Array.from({ length: 6 }, () => ask(world, asker, ROUNDS))
    const answers = []
    for (const each of asked) answers.push((await each.finish()).answer)
    world.clock.run(world.clock.nowMs() + 5_000)
    expect(one.outvoted).toEqual([LIAR])
    for (const answer of answers) {
      const layers = answer?.route.map(({ layer }) => layer) ?? []
      expect(new Set(layers).size).toBe(8)
      expect(answer?.rounds.reduce((a, b) => a + b, 0)).toBe(8)
    }
    expect(await lies(one, 4)).not.toContain(true)
  })
})

test('the step-size gate knows real sums: of one layer, of four, of none, and random numbers', () => {
  const x = Float32Array.from({ length: 640 }, (_, i) => Math.sin(i))
  const input = encodeActivation(tensor([1, 10, 64], x), 'float16')
  const sumOf = (of: (one: number, at: number) => number) =>
    encodeActivation(tensor([1, 10, 64], x.map(of)), 'float16')
  const isGood = (sum: EncodedActivation, layers: number) => {
    const output = roundArithmetic.add(input, [sum])
    return output !== undefined && isStepOfLayers(input, output, layers)
  }
  const layer = sumOf((_, at) => 0.2 * Math.cos(3 * at))
  expect(isGood(layer, 1)).toBe(true)
  expect(
    isGood(
      sumOf((_, at) => 0.8 * Math.cos(3 * at)),
      4,
    ),
  ).toBe(true)
  expect(
    isGood(
      sumOf((_, at) => 0.8 * Math.cos(3 * at)),
      1,
    ),
  ).toBe(false)
  expect(
    isGood(
      sumOf(() => 0),
      1,
    ),
  ).toBe(false)
  expect(
    isGood(
      sumOf((_, at) => 9 * Math.cos(7 * at)),
      4,
    ),
  ).toBe(false)
})
