import { describe, expect, test } from 'vitest'
import type { Answer } from '../request.ts'
import { SymbolicCompute } from '../testing/symbolic-compute.ts'
import { trueRoute } from '../testing/symbols.ts'
import { World } from '../testing/world.ts'
import type { PeerId } from '../wire/messages.ts'

const ALL = [0, 1, 2, 3, 4, 5, 6, 7]

/** A room in which these hosts serve, and somebody who hosts nothing asks. */
function room(hosts: Readonly<Record<string, readonly number[]>>, layerMs = 40) {
  const world = new World({ seed: 1, layerMs })
  for (const [name, serve] of Object.entries(hosts)) world.join(name, { serve })
  const asker = world.join('asker', { serve: [] })
  world.clock.run(5_000)
  return { world, asker: asker.member }
}

async function answered(world: World, asked: { answer: Promise<Answer> }): Promise<Answer> {
  let answer: Answer | undefined
  void asked.answer.then((one) => {
    answer = one
  })
  for (let i = 0; i < 100 && answer === undefined; i++) {
    world.clock.run(world.clock.nowMs() + 100)
    await Promise.resolve()
    await Promise.resolve()
  }
  if (answer === undefined) throw new Error('no answer')
  return answer
}

describe('a request in rounds of 4 + 4', () => {
  test('applies every layer once, and says in which rounds', async () => {
    const { world, asker } = room({ anna: ALL, ben: ALL, carl: ALL, dora: ALL })
    const answer = await answered(world, asker.classify(world.stem(), { rounds: [4, 4] }))
    expect(answer.rounds).toEqual([4, 4])
    expect(answer.missingLayers).toEqual([])
    expect(answer.route.map(({ layer }) => layer).sort()).toEqual(ALL)
    expect(trueRoute(answer.logits[0] ?? [])).toEqual(answer.route.map(({ layer }) => layer))
  })

  test('is over in a fraction of the time of one host', async () => {
    const four = room({ anna: ALL, ben: ALL, carl: ALL, dora: ALL })
    const one = room({ anna: ALL })
    const fast = await answered(
      four.world,
      four.asker.classify(four.world.stem(), { rounds: [4, 4] }),
    )
    const slow = await answered(one.world, one.asker.classify(one.world.stem()))
    expect(slow.totalMs).toBeGreaterThan(8 * 40)
    expect(fast.totalMs).toBeLessThan(0.4 * slow.totalMs)
  })

  test('is shared by two hosts of everything though nobody has measured an access yet, a ViT-B too', async () => {
    const world = new World({
      ...{ seed: 1, layerMs: 100, shape: { layers: 8, tokens: 197, width: 768 } },
    })
    const members = ['anna', 'ben'].map((name) => world.join(name, { serve: ALL }).member)
    world.clock.run(5_000)
    // Each knows by then what a layer takes, and has said so.
    for (const member of members) await answered(world, member.classify(world.stem()))
    world.clock.run(world.clock.nowMs() + 30_000)
    const asked = members[0]?.classify(world.stem(), { rounds: [4, 4] })
    const { route } = await answered(world, asked as NonNullable<typeof asked>)
    expect(new Set(route.map(({ peer }) => peer))).toEqual(new Set(['anna', 'ben']))
  })

  test('replaces a host that crashes without a word', async () => {
    const { world, asker } = room({ anna: ALL, ben: ALL, carl: ALL })
    const asked = asker.classify(world.stem(), { rounds: [4, 4] })
    world.clock.run(world.clock.nowMs() + 20)
    world.kill('ben' as PeerId, false)
    const answer = await answered(world, asked)
    expect(answer.missingLayers).toEqual([])
    expect(answer.route.some(({ peer }) => peer === 'ben')).toBe(false)
  })

  test('goes on without layers whose only host is gone, and names them', async () => {
    const { world, asker } = room({ anna: [0, 1, 2, 3, 4, 5], ben: [6, 7], carl: [0, 1, 2, 3] })
    const asked = asker.classify(world.stem(), { rounds: [4, 4] })
    world.clock.run(world.clock.nowMs() + 5)
    world.kill('ben' as PeerId, false)
    const answer = await answered(world, asked)
    expect(answer.missingLayers).toEqual([6, 7])
    expect(answer.route).toHaveLength(6)
    expect(answer.rounds.reduce((a, b) => a + b, 0)).toBe(6)
  })

  test('waits for the only host of a layer while that is connected, longer than all rounds', async () => {
    const world = new World({ seed: 1, layerMs: 2 })
    const { member } = world.join('hub', { serve: [0, 1, 2, 3] })
    const busy = new SymbolicCompute(world.clock, 2)
    world.joinWith('ben', busy, { serve: [4, 5, 6, 7] })
    world.clock.run(5_000)
    await answered(world, member.classify(world.stem(), { rounds: [4, 4] }))
    busy.slowness = 250
    const answer = await answered(world, member.classify(world.stem(), { rounds: [4, 4] }))
    expect(answer.missingLayers).toEqual([])
    expect(trueRoute(answer.logits[0] ?? [])).toEqual(answer.route.map(({ layer }) => layer))
  })

  test('runs its own layers at home while others run theirs', async () => {
    const world = new World({ seed: 1, layerMs: 40 })
    world.join('anna', { serve: ALL })
    const { member } = world.join('hub', { serve: ALL })
    world.clock.run(5_000)
    await answered(world, member.classify(world.stem(), { rounds: [4, 4] }))
    // What a layer takes is known now, and announced.
    world.clock.run(world.clock.nowMs() + 5_000)
    const answer = await answered(world, member.classify(world.stem(), { rounds: [4, 4] }))
    const peers = answer.route.map(({ peer }) => peer)
    expect(peers.filter((peer) => peer === 'hub')).toHaveLength(4)
    expect(answer.totalMs).toBeLessThan(0.7 * 8 * 40)
  })
})
