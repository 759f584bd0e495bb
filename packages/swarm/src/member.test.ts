import { expect, test } from 'vitest'
import type { MemberEvent } from './effects.ts'
import type { ClassifyPolicy } from './request.ts'
import { SMALL, swarm } from './testing/asking.ts'
import { layersIn } from './testing/symbols.ts'

test('a stopped member leaves no timer in the clock and fails its open requests', async () => {
  const { world, asker, providers } = swarm(SMALL, [])
  const { answer } = asker.member.classify(world.stem())
  for (const { member } of [asker, ...providers]) member.stop()
  await expect(answer).rejects.toMatchObject({ fault: { code: 'cancelled' } })
  const fired = world.clock.run(world.clock.nowMs() + 60_000)
  expect(fired).toBe(0)
})

test('a request without a promise ends in an event, at the latest when its member stops', () => {
  const { world, asker } = swarm(SMALL, [[0, 1, 2, 3]])
  const events: MemberEvent[] = []
  asker.member.on((event) => events.push(event))
  const answered = asker.member.ask(world.stem())
  world.clock.run(world.clock.nowMs() + 5_000)
  expect(events.find(({ type }) => type === 'answered')).toMatchObject({
    answer: { request: answered },
  })
  const cancelled = asker.member.ask(world.stem())
  asker.member.stop()
  expect(events.at(-1)).toMatchObject({ type: 'failed', request: cancelled })
})

test('an impossible request is refused at once', () => {
  const { world, asker } = swarm(SMALL, [])
  const classify = (policy: Partial<ClassifyPolicy>) => () =>
    asker.member.classify(world.stem(), policy)
  expect(classify({ plan: [1, 1] })).toThrow('a planned layer stands twice')
  expect(classify({ plan: [9] })).toThrow('a planned layer does not exist')
  expect(classify({ minLayers: 5 })).toThrow('from 0 to 4')
  expect(classify({ deadlineMs: 0 })).toThrow('deadline')
  expect(() =>
    asker.member.classify({ dtype: 'float16', shape: [1, 5, 8], bytes: new Uint8Array(3) }),
  ).toThrow('wrong size')
  expect(layersIn(world.stem().bytes)).toEqual([])
})
