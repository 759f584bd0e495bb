import { describe, expect, test } from 'vitest'
import type { MemberOptions } from './member.ts'
import type { ReleaseJudgement } from './mixed-release.ts'
import type { Answer } from './request.ts'
import { ask } from './testing/asking.ts'
import { isTainted, tainted, trueRoute } from './testing/symbols.ts'
import { foreignSymbol, WeightedCompute } from './testing/weighted-compute.ts'
import { type Inhabitant, World } from './testing/world.ts'
import type { PeerId } from './wire/messages.ts'

/** 50 x 64 in float16 is 6,400 bytes: by reference, as those of the model that ships. */
const SHAPE = { layers: 4, tokens: 50, width: 64 }
const NEWER = 'a1'.repeat(32)
const PAIRS = [
  [0, 1],
  [1, 2],
  [2, 3],
  [3, 0],
] as const

const isMixed: NonNullable<MemberOptions['judgeRelease']> = (_, judged) =>
  judged({ fileDistance: 0 })
const newer = { weights: { release: NEWER, fileDistance: 0 }, judgeRelease: isMixed } as const

/** Two hosts of each layer with the weights of the lane's release, and two with those of a newer one that mixes with it. */
function lane(judgeRelease = isMixed) {
  const world = new World({ shape: SHAPE })
  const askers = [
    world.join('older', { judgeRelease }),
    world.joinWith('newer', new WeightedCompute(world.clock), newer),
  ] as const
  for (const [i, serve] of PAIRS.entries()) {
    world.join(`n${i}`, { serve, judgeRelease })
    world.joinWith(`m${i}`, new WeightedCompute(world.clock), { ...newer, serve })
  }
  const seen = { outvoted: [] as PeerId[], recomputed: 0, said: [] as string[] }
  for (const { member } of askers)
    member.on((event) => {
      if (event.type === 'peer-outvoted') seen.outvoted.push(event.peer)
      if (event.type === 'recomputed') seen.recomputed += event.layers
      if (event.type === 'release-skipped') seen.said.push(event.reason)
      if (event.type === 'release-mixed') seen.said.push(event.release)
    })
  world.clock.run(6_000)
  return { world, askers, seen }
}

async function answersOf(
  world: World,
  asker: Inhabitant,
  times: number,
  policy: Parameters<typeof ask>[2] = {},
): Promise<Answer[]> {
  const answers: Answer[] = []
  for (let i = 0; i < times; i++) {
    const { answer } = await ask(world, asker, policy).finish()
    world.clock.run(world.clock.nowMs() + 1_000)
    if (answer !== undefined) answers.push(answer)
  }
  return answers
}

/** What an answer says that it went through, as its scores must say too. */
const symbolsOf = ({ route }: Answer) =>
  route.map(({ layer, weights }) => (weights === undefined ? layer : foreignSymbol(layer)))
const isBoth = ({ route }: Answer) => new Set(route.map(({ weights }) => weights)).size === 2

describe('a lane of two releases that mix', () => {
  test.each([
    ['one after another', {}],
    ['in rounds', { rounds: [2, 2] }],
  ])(
    'answers both, says whose layers they were, and calls nobody a liar: %s',
    async (_, policy) => {
      const { world, askers, seen } = lane()
      let both = 0
      for (const asker of askers) {
        const answers = await answersOf(world, asker, 40, policy)
        expect(answers).toHaveLength(40)
        for (const answer of answers) {
          expect(answer.missingLayers).toEqual([])
          expect(answer.checked.doubted).toEqual([])
          const said = symbolsOf(answer)
          const applied = trueRoute(answer.logits[0] ?? [])
          // Layers of one round have no order among them.
          if (answer.rounds.length > 0) expect([...applied].sort()).toEqual([...said].sort())
          else expect(applied).toEqual(said)
        }
        both += answers.filter(isBoth).length
      }
      expect(both).toBeGreaterThan(10)
      expect(seen.recomputed).toBeGreaterThan(0)
      expect(seen.outvoted).toEqual([])
      expect(seen.said).toEqual([NEWER])
    },
  )

  test('finds out who lies with the weights of either', async () => {
    const { world, askers, seen } = lane()
    for (const name of ['liar-of-newer', 'liar-of-lane']) {
      const isNewer = name === 'liar-of-newer'
      const compute = new (class extends WeightedCompute {
        override run(...[layer, hop, input, finished]: Parameters<WeightedCompute['run']>) {
          super.run(layer, hop, input, (outcome) => {
            if ('failure' in outcome) return finished(outcome)
            const { activation } = outcome
            finished({
              ...outcome,
              activation: { ...activation, bytes: tainted(activation.bytes) },
            })
          })
        }
      })(world.clock)
      const options = isNewer ? newer : { judgeRelease: isMixed }
      world.joinWith(name, compute, { ...options, serve: [0, 1, 2, 3] })
    }
    world.clock.run(world.clock.nowMs() + 6_000)
    for (const asker of askers) {
      await answersOf(world, asker, 30)
      expect([...new Set(seen.outvoted.splice(0))].sort()).toEqual([
        'liar-of-lane',
        'liar-of-newer',
      ])
      const after = await answersOf(world, asker, 20)
      expect(after.filter(({ logits }) => isTainted(logits[0] ?? []))).toEqual([])
    }
  })

  test('is one of the lane’s release alone to whoever finds that the other does not mix, and says so once', async () => {
    const isNot = (_: string, judged: (judgement: ReleaseJudgement) => void) =>
      judged({ fault: 'it has another key', isFinal: true })
    const { world, askers, seen } = lane(isNot)
    const [older] = askers
    const answers = await answersOf(world, older, 20)
    expect(answers).toHaveLength(20)
    for (const { route } of answers) {
      expect(route).toHaveLength(4)
      expect(route.every(({ weights }) => weights === undefined)).toBe(true)
    }
    expect(older.member.snapshot().peers.map(({ peer }) => peer[0])).not.toContain('m')
    expect(seen.said).toEqual(['it has another key'])
  })

  test('takes a release that could not be read once it can', async () => {
    let isHere = false
    const { world, askers, seen } = lane((_, judged) =>
      judged(isHere ? { fileDistance: 0 } : { fault: 'the server is away', isFinal: false }),
    )
    isHere = true
    world.clock.run(world.clock.nowMs() + 60_000)
    const answers = await answersOf(world, askers[0], 20)
    expect(answers.filter(isBoth).length).toBeGreaterThan(0)
    expect(seen.said).toEqual(['the server is away', NEWER])
  })
})
