import { describe, expect, test } from 'vitest'
import { Core } from '../core.ts'
import { CORE_OPTIONS_DEFAULT } from '../core-options.ts'
import type { Effect } from '../effects.ts'
import { PRESENCE_INTERVAL_MS_MAX } from '../limits.ts'
import { anyPresence } from '../testing/any-presence.ts'
import type { PeerId, Presence } from '../wire/messages.ts'

const [self, newcomer] = ['me', 'newcomer'] as [PeerId, PeerId]
const RELEASE = 'ab'.repeat(32)
const HERE = '/ip4/127.0.0.1/tcp/1/p2p/me'

/** A member that has said who it is, and what it does while the time passes. */
function settled(reached: Set<PeerId>) {
  const core = new Core(
    {
      ...CORE_OPTIONS_DEFAULT,
      self,
      release: RELEASE,
      shape: { layers: 4, tokens: 5, width: 8 },
      backend: 'reference',
      reaches: (peer) => reached.has(peer),
      addresses: () => [HERE],
    },
    0,
  )
  let nowMs = 0
  const passes = (ms: number): Effect[] => {
    const untilMs = nowMs + ms
    const effects: Effect[] = []
    while (core.wakeAtMs() <= untilMs) {
      nowMs = core.wakeAtMs()
      effects.push(...core.handle({ on: 'time' }, nowMs))
    }
    nowMs = untilMs
    return effects
  }
  passes(1)
  const hears = (message: Presence) =>
    core.handle({ on: 'message', from: newcomer, via: newcomer, message }, nowMs)
  return { passes, hears }
}

function published(effects: readonly Effect[]): Presence[] {
  return effects.flatMap((effect) =>
    effect.do === 'publish' && effect.message.kind === 'presence' ? [effect.message] : [],
  )
}

describe('a newcomer', () => {
  const asking = anyPresence({ release: RELEASE, asking: true })

  test('that is connected is told everything at once, and the lane is not told again', () => {
    const { passes, hears } = settled(new Set([newcomer]))
    const told = hears(asking).filter((effect) => effect.do === 'tell')
    expect(told).toMatchObject([{ to: [newcomer], message: { addresses: [HERE] } }])
    const [next] = published(passes(PRESENCE_INTERVAL_MS_MAX))
    expect(next).toMatchObject({ addresses: undefined })
  })

  test('that nobody is connected to yet finds the addresses in the next presence of everybody', () => {
    const reached = new Set<PeerId>()
    const { passes, hears } = settled(reached)
    expect(hears(asking).filter((effect) => effect.do === 'tell')).toEqual([])
    const [next] = published(passes(PRESENCE_INTERVAL_MS_MAX))
    expect(next).toMatchObject({ addresses: [HERE] })
    const later = published(passes(3 * PRESENCE_INTERVAL_MS_MAX))
    expect(later.at(-1)).toMatchObject({ addresses: undefined })
  })

  test('whose connection stands before the next presence is told, and that one is short', () => {
    const reached = new Set<PeerId>()
    const { passes, hears } = settled(reached)
    hears(asking)
    reached.add(newcomer)
    const effects = passes(PRESENCE_INTERVAL_MS_MAX)
    expect(effects.filter((effect) => effect.do === 'tell')).toHaveLength(1)
    expect(published(effects)[0]).toMatchObject({ addresses: undefined })
  })
})
