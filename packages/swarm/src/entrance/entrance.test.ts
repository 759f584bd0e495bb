import { describe, expect, test } from 'vitest'
import type { CoreEffect } from '../effects.ts'
import { Jobs } from '../jobs.ts'
import { Mixing } from '../lanes/mixing.ts'
import { DEADLINE_MS_MAX } from '../limits.ts'
import { PeerTable } from '../presence/peer-table.ts'
import type { Admission } from '../provider/admission.ts'
import { ANY_SIGNATURE } from '../testing/any-chain.ts'
import { anyPresence } from '../testing/any-presence.ts'
import { anyStep, heldTensor, hopsBy } from '../testing/any-step.ts'
import type { Message, PeerId, Step } from '../wire/messages.ts'
import { Entrance } from './entrance.ts'
import {
  CHECKS_AT_ONCE_MAX,
  CHECKS_AT_ONCE_PER_NEIGHBOUR_MAX,
  CHECKS_BURST,
  CLOCK_SLACK_MS,
} from './limits.ts'

const release = '5'.repeat(64)
const shape = { layers: 4, tokens: 5, width: 8 }
const [self, requester, author, neighbour] = [
  'self',
  'requester',
  'author',
  'neighbour',
] as PeerId[] as [PeerId, PeerId, PeerId, PeerId]

/** An entrance of a member that is connected to these. */
function entrance(reached: readonly PeerId[] = [requester], admission: Admission = 'follow') {
  const table = new PeerTable(release)
  const mixing = new Mixing({ release, shape })
  const entered: { from: PeerId; message: Message; payer: PeerId | undefined }[] = []
  const followed = new Map<string, number>()
  const own = new Map<number, Step>()
  const one = new Entrance(
    { self, release, shape, reaches: (peer) => reached.includes(peer) },
    {
      table,
      provider: {
        admits: () => admission,
        timeLeftMs: (request) => followed.get(request),
        ownStep: (_, hop) => own.get(hop),
      },
      dispatcher: {
        hear(from, message, _, payer) {
          entered.push({ from, message, payer })
          return []
        },
      },
      mixing,
      nextJob: new Jobs().of('entrance'),
    },
  )
  const announce = (clockMs: number, nowMs: number) =>
    table.hear(requester, anyPresence({ release, clockMs, sequence: nowMs }), nowMs)
  const hear = (from: PeerId, message: Step, nowMs = 0, via = from) =>
    one.hear({ from, via, message }, nowMs)
  return { one, mixing, table, entered, followed, own, announce, hear }
}

const first = (given: Partial<Step> = {}) =>
  anyStep({ requester, activation: heldTensor(requester), ...given })
const later = (given: Partial<Step> = {}) =>
  anyStep({ requester, route: hopsBy(author, 2), activation: heldTensor(author), ...given })

const does = (effects: readonly CoreEffect[]) => effects.map((effect) => effect.do)

function checked(one: Entrance, effects: readonly CoreEffect[], isTrue: boolean, nowMs = 0) {
  const verify = effects.find((effect) => effect.do === 'verify')
  if (verify?.do !== 'verify') throw new Error('nothing is checked')
  return one.onVerified(verify.job, isTrue, nowMs)
}

describe('a step of an own request', () => {
  const weights = 'a1'.repeat(32)
  const route = hopsBy(author, 2).map((hop) => ({ ...hop, weights }))
  const own = () => later({ requester: self, route, next: self })

  test('with layers of a release that is not known waits until it is', () => {
    const { one, mixing, hear } = entrance([author])
    expect(does(hear(author, own()))).toEqual(['judge-release'])
    mixing.judged(weights, { fileDistance: 0 }, 0)
    expect(does(one.onReleaseJudged(0))).toEqual(['verify'])
    expect(one.onReleaseJudged(0)).toEqual([])
  })

  test('with layers of one that does not mix is refused, and of another’s request it is not looked at', () => {
    const { one, mixing, hear } = entrance([author])
    hear(author, own())
    mixing.judged(weights, { fault: 'other classes', isFinal: true }, 0)
    expect(one.onReleaseJudged(0)).toMatchObject([
      { do: 'report', event: { type: 'message-refused', from: author } },
    ])
    expect(does(hear(author, later({ route })))).toEqual(['verify'])
  })
})

describe('a step', () => {
  test('is let in when all of its links were signed, and links are checked once', () => {
    const { one, hear, entered } = entrance()
    const effects = hear(author, later())
    expect(effects).toMatchObject([
      { do: 'verify', statements: [{ by: requester }, { by: author }] },
    ])
    expect(entered).toEqual([])
    checked(one, effects, true)
    expect(entered).toMatchObject([{ from: author, message: { route: [{}, {}] } }])
    expect(hear(author, later())).toEqual([])
    expect(entered).toHaveLength(2)
  })

  test('with a link that nobody signed bans who says it', () => {
    const { one, hear, entered } = entrance()
    const effects = checked(one, hear(author, later()), false)
    expect(effects).toContainEqual({ do: 'ban', peer: author })
    expect(entered).toEqual([])
  })

  test('that cannot be is refused before anything is checked', () => {
    const { hear } = entrance()
    expect(does(hear(neighbour, later()))).toEqual(['report'])
  })

  test('is checked only when there is room for its request; who floods is banned', () => {
    expect(entrance([], 'ignore').hear(author, later())).toEqual([])
    expect(entrance([], 'ban').hear(author, later())).toEqual([{ do: 'ban', peer: author }])
  })

  test('is paid for by its requester where that is connected, by the neighbour that handed it over otherwise', () => {
    for (const [reached, payer] of [
      [[requester], requester],
      [[], neighbour],
    ] as const) {
      const { one, hear, entered } = entrance(reached)
      checked(one, hear(author, later(), 0, neighbour), true)
      expect(entered).toMatchObject([{ payer }])
    }
  })

  test('of a requester’s own is taken from one that is there, and from nobody who only says it again', () => {
    expect(does(entrance([]).hear(requester, first(), 0, neighbour))).toEqual([])
    expect(does(entrance([]).hear(requester, first(), 0, requester))).toEqual(['verify'])
    expect(does(entrance([requester]).hear(requester, first(), 0, neighbour))).toEqual(['verify'])
    const { announce, hear } = entrance([])
    announce(0, 0)
    expect(does(hear(requester, first(), 0, neighbour))).toEqual(['verify'])
  })
})

describe('the time of a request', () => {
  const timeLeft = (said: Partial<Step>, clockMs: number | undefined, nowMs: number) => {
    const { one, hear, entered, announce } = entrance()
    if (clockMs !== undefined) announce(clockMs, nowMs - 100)
    const effects = hear(author, later(said), nowMs)
    if (effects.length > 0) checked(one, effects, true, nowMs)
    const [step] = entered
    return step?.message.kind === 'step' ? step.message.remainingMs : undefined
  }

  test('is that of its requester’s clock, whatever whoever says the step makes of it', () => {
    for (const remainingMs of [0, 5, 600_000])
      expect(timeLeft({ endsAtMs: 20_000, remainingMs }, 12_000, 3_000)).toBe(7_900)
  })

  test('is over for good when that clock says so: what was said once is not done again', () => {
    expect(timeLeft({ endsAtMs: 20_000, remainingMs: 20_000 }, 19_900, 3_000)).toBeUndefined()
    expect(timeLeft({ endsAtMs: 20_000, remainingMs: 20_000 }, 90_000, 3_000)).toBeUndefined()
  })

  test('is bounded', () => {
    const endsAtMs = 1_000_000 + DEADLINE_MS_MAX + CLOCK_SLACK_MS
    expect(timeLeft({ endsAtMs }, 999_900, 3_000)).toBe(DEADLINE_MS_MAX)
    expect(timeLeft({ endsAtMs: endsAtMs + 200 }, 999_900, 3_000)).toBeUndefined()
  })

  test('is what is said first where that clock is not known, and nobody changes it afterwards', () => {
    expect(timeLeft({ endsAtMs: 1, remainingMs: 4_000 }, undefined, 3_000)).toBe(4_000)
    const { one, hear, entered, followed } = entrance()
    followed.set(later().request, 2_500)
    checked(one, hear(author, later({ remainingMs: 0 })), true)
    expect(entered).toMatchObject([{ message: { remainingMs: 2_500 } }])
  })
})

describe('signature checks', () => {
  test('are counted for the neighbour that hands steps over, who has no more than its share', () => {
    const { one, hear } = entrance()
    let asked = 0
    for (let i = 0; i < CHECKS_BURST; i++) {
      const request = i.toString(16).padStart(32, '0') as Step['request']
      const effects = hear(author, later({ request }), 0, neighbour)
      if (effects.length === 0) continue
      asked++
      checked(one, effects, true)
    }
    expect(asked).toBe(CHECKS_BURST / 2)
    expect(does(hear(author, later(), 0, author))).toEqual(['verify'])
  })

  test('under way are bounded', () => {
    const { hear } = entrance()
    const asked = (count: number, neighbours: number) =>
      Array.from({ length: count }, (_, i) => {
        const request = `${neighbours}${i}`.padStart(32, '0') as Step['request']
        return hear(author, later({ request }), i, `via ${i % neighbours}` as PeerId)
      }).filter(({ length }) => length > 0).length
    expect(asked(2 * CHECKS_AT_ONCE_PER_NEIGHBOUR_MAX, 1)).toBe(CHECKS_AT_ONCE_PER_NEIGHBOUR_MAX)
    expect(asked(2 * CHECKS_AT_ONCE_MAX, 8)).toBe(
      CHECKS_AT_ONCE_MAX - CHECKS_AT_ONCE_PER_NEIGHBOUR_MAX,
    )
  })

  test('of a request that its requester has ended meanwhile let nothing in', () => {
    const { one, hear, entered } = entrance()
    const { request } = later()
    const effects = hear(author, later())
    one.hear(
      { from: requester, via: requester, message: { kind: 'done', request, isPublic: false } },
      1,
    )
    checked(one, effects, true, 2)
    expect(entered).toMatchObject([{ message: { kind: 'done' } }])
  })
})

describe('a requester that asks to choose again', () => {
  const again = {
    kind: 'again',
    request: later().request,
    era: 1,
    hop: 2,
    suspect: undefined,
    barred: [],
  } as const
  const message = { ...again, signature: ANY_SIGNATURE }

  test('is heard when its link for the new era is signed', () => {
    const { one, own, entered } = entrance()
    own.set(2, later())
    const effects = one.hear({ from: requester, via: requester, message }, 0)
    expect(effects).toMatchObject([{ do: 'verify', statements: [{ by: requester }] }])
    expect(checked(one, effects, true)).toEqual([])
    expect(entered).toMatchObject([{ from: requester, message }])
  })

  test('is nobody’s fault when it has signed another route', () => {
    const { one, own, entered } = entrance()
    own.set(2, later())
    const effects = one.hear({ from: requester, via: requester, message }, 0)
    expect(checked(one, effects, false)).toEqual([])
    expect(entered).toEqual([])
  })

  test('is not heard of a step that is not there, of somebody else, or of an era that is over', () => {
    const { one, own } = entrance()
    expect(one.hear({ from: requester, via: requester, message }, 0)).toEqual([])
    own.set(2, later({ era: 1 }))
    expect(one.hear({ from: requester, via: requester, message }, 0)).toEqual([])
    own.set(2, later())
    expect(one.hear({ from: neighbour, via: neighbour, message }, 0)).toEqual([])
  })
})
