import { describe, expect, test } from 'vitest'
import { PRESENCE_INTERVAL_MS_MAX, STALL_MS } from '../limits.ts'
import type { Answer } from '../request.ts'
import { SMALL } from '../testing/asking.ts'
import { World } from '../testing/world.ts'
import type { PeerId } from '../wire/messages.ts'
import { gossip } from './gossip.ts'

describe('plain gossip', () => {
  test('names nobody for tensors that are held, and nobody passes on what everybody can fetch', () => {
    const world = new World({ seed: 1, shape: SMALL })
    const options = { policy: gossip, inlineBytes: 16 }
    const asker = world.join('asker', options)
    for (const layer of [0, 1, 2, 3])
      world.join(`p${layer}`, { ...options, serve: [layer, (layer + 1) % SMALL.layers] })
    const named: (PeerId | undefined)[] = []
    world.network.join('witness' as PeerId).listen({
      messageArrived(_, message) {
        if (message.kind !== 'step' || message.route.length === SMALL.layers) return
        named.push(message.next)
      },
      peerDisconnected: () => undefined,
    })
    world.clock.run(PRESENCE_INTERVAL_MS_MAX)
    let answer: Answer | undefined
    asker.member.on((event) => {
      if (event.type === 'answered') answer = event.answer
    })
    asker.member.ask(world.stem())
    world.clock.run(world.clock.nowMs() + STALL_MS, () => answer !== undefined)
    expect(answer?.missingLayers).toEqual([])
    expect(named.length).toBeGreaterThanOrEqual(SMALL.layers)
    expect(named.filter((peer) => peer !== undefined)).toEqual([])
  })
})
