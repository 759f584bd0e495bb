import { describe, expect, test } from 'vitest'
import {
  BAN_MS,
  CLAIM_TTL_MS_MAX,
  CLAIMED_MS_BURST,
  CLAIMED_MS_PER_SECOND,
  LANE_MESSAGES_BURST,
  OVER_RATE_BURST,
  PRESENCE_MESSAGES_BURST,
  REJECTS_PER_NEIGHBOUR_MAX,
  STRANGERS_HEARD_BURST,
  STRANGERS_HEARD_PER_SECOND,
} from '../limits.ts'
import { anyChain } from '../testing/any-chain.ts'
import { anyPresence } from '../testing/any-presence.ts'
import type { Message, PeerId, Presence, RequestId, Step } from '../wire/messages.ts'
import { type Arrival, createGate, type GateOptions, type Verdict } from './gate.ts'
import type { Judged } from './message-rules.ts'

const RELEASE = 'ab'.repeat(32)
const DONE = { kind: 'done', isPublic: true, request: '11'.repeat(16) as RequestId } as const
const FIRST_STEP: Step = {
  kind: 'step',
  request: DONE.request,
  requester: 'a' as PeerId,
  endsAtMs: 1_000,
  era: 0,
  route: [],
  chain: anyChain([], { isOpen: true }),
  plan: [],
  activation: {
    place: 'inline',
    dtype: 'int8',
    batch: 1,
    tokens: 1,
    width: 1,
    bytes: new Uint8Array(5),
  },
  input: undefined,
  next: undefined,
  silent: [],
  barred: [],
  isPrivate: false,
  remainingMs: 1_000,
}
const BROKEN: Judged = { kind: 'malformed', fault: 'broken' }

function presence(fields: Partial<Presence> = {}): Presence {
  return anyPresence({ release: RELEASE, ...fields })
}

function gateAt(options: Partial<GateOptions> = {}) {
  const gate = createGate({ release: RELEASE, ...options })
  let number = 0n
  const arrival = (author: string, content: Judged, fields: Partial<Arrival>): Arrival => {
    const isPresence = 'message' in content && content.message.kind === 'presence'
    return {
      source: author,
      author: author as PeerId,
      isPresence,
      number: ++number,
      content: () => content,
      ...fields,
    }
  }
  const say = (author: string, content: Judged, nowMs = 0, fields: Partial<Arrival> = {}) =>
    gate.judge(arrival(author, content, fields), nowMs)
  const done = (author: string, nowMs = 0, source = author) =>
    say(author, { message: DONE }, nowMs, { source })
  const announce = (author: string, links: number, nowMs = 0, fields: Partial<Arrival> = {}) =>
    say(author, { message: presence({ links }) }, nowMs, fields)
  return { gate, say, done, announce }
}

const word = ({ verdict }: Verdict): string => verdict

describe('a gate', () => {
  test('delivers a message, to be passed on while its author does not reach everybody', () => {
    const { done, announce, gate } = gateAt()
    expect(done('a')).toEqual({ verdict: 'deliver', message: DONE, passOn: true })
    announce('a', 2)
    announce('b', 1)
    expect(done('a')).toEqual({ verdict: 'deliver', message: DONE, passOn: false })
    expect(done('b')).toMatchObject({ passOn: true })
    gate.gone('a')
    expect(done('a')).toMatchObject({ passOn: true })
  })

  test('has nothing passed on that is for few: a step that names who goes on, an end that is not public', () => {
    const { say } = gateAt()
    const passedOn = (message: Message) => {
      const verdict = say('a', { message })
      return verdict.verdict === 'deliver' && verdict.passOn
    }
    expect(passedOn(FIRST_STEP)).toBe(true)
    expect(passedOn({ ...FIRST_STEP, next: 'b' as PeerId })).toBe(false)
    expect(passedOn(DONE)).toBe(true)
    expect(passedOn({ ...DONE, isPublic: false })).toBe(false)
  })

  test('has presence passed on by bootstrap nodes alone, which are in no lane', () => {
    expect(gateAt().announce('a', 9)).toMatchObject({ verdict: 'deliver', passOn: false })
    const bootstrap = gateAt({ release: undefined })
    expect(bootstrap.announce('a', 9)).toMatchObject({ verdict: 'deliver', passOn: true })
  })

  test('counts another release’s members for nothing', () => {
    const { announce, say, done } = gateAt()
    announce('a', 9)
    say('b', { message: presence({ release: 'cd'.repeat(32), links: 9 }) })
    expect(done('b')).toMatchObject({ passOn: true })
  })

  test('does not hear a banned author, through others neither, nor what it hands over, and blames nobody for it', () => {
    const { gate, done, say } = gateAt()
    gate.ban('a', 0)
    const ignored = { verdict: 'ignore', reason: 'banned' }
    expect(done('a', 1)).toEqual(ignored)
    expect(done('a', 1, 'b')).toEqual(ignored)
    for (let sent = 0; sent < 2 * REJECTS_PER_NEIGHBOUR_MAX; sent++) {
      expect(say('a', BROKEN, 1, { source: 'b' })).toEqual(ignored)
    }
    expect(gate.isBanned('b', 1)).toBe(false)
    expect(done('c', 1, 'a')).toEqual(ignored)
    expect(done('c', 1)).toMatchObject({ verdict: 'deliver' })
    expect(word(done('a', BAN_MS))).toBe('deliver')
  })

  test('ignores an author beyond its rate, without reading on', () => {
    const { say, done } = gateAt({ laneRate: { perSecond: 1, burst: 2 } })
    expect([done('a'), done('a'), done('b')].map(word)).toEqual(['deliver', 'deliver', 'deliver'])
    const content = () => expect.unreachable()
    expect(say('a', BROKEN, 0, { content })).toEqual({ verdict: 'ignore', reason: 'over-rate' })
    expect(word(done('a', 1_000))).toBe('deliver')
  })

  test('ignores whoever claims more time before the whole lane than it can work, but not what it says to one', () => {
    const { say } = gateAt()
    const { request } = DONE
    const place = { request, era: 0, hop: 0, layer: 0, lost: false }
    const claims = (count: number, ttlMs: number, nowMs: number, fields: Partial<Arrival> = {}) => {
      const message = { kind: 'claim' as const, ...place, ttlMs }
      const heard = Array.from({ length: count }, () => say('a', { message }, nowMs, fields))
      return heard.filter(({ verdict }) => verdict === 'deliver').length
    }
    expect(claims(20, CLAIM_TTL_MS_MAX, 0)).toBe(CLAIMED_MS_BURST / CLAIM_TTL_MS_MAX)
    expect(claims(1, 0, 0)).toBe(1)
    expect(claims(1, CLAIM_TTL_MS_MAX, 0, { number: undefined })).toBe(1)
    expect(claims(3, CLAIM_TTL_MS_MAX, (1_000 * CLAIM_TTL_MS_MAX) / CLAIMED_MS_PER_SECOND)).toBe(1)
  })

  test('ignores a neighbour that hands over too much, whoever it says has said it', () => {
    const { done } = gateAt({ handedOverRate: { perSecond: 1, burst: 3 } })
    const made = ['a', 'b', 'c', 'd'].map((author) => done(author, 0, 'neighbour'))
    expect(made.map(word)).toEqual(['deliver', 'deliver', 'deliver', 'ignore'])
    expect(word(done('d'))).toBe('deliver')
  })

  test('bans a neighbour whose own messages go on being too many, and nobody for what others say', () => {
    const flood = (source: string) => {
      const { done, gate } = gateAt({ laneRate: { perSecond: 0, burst: 1 } })
      const verdicts = Array.from({ length: OVER_RATE_BURST + 2 }, () => done('a', 0, source))
      return { last: verdicts.at(-1), isBanned: ['a', source].map((one) => gate.isBanned(one, 1)) }
    }
    expect(flood('a')).toMatchObject({
      last: { verdict: 'ban', kind: 'flood', peer: 'a' },
      isBanned: [true, true],
    })
    expect(flood('b')).toMatchObject({
      last: { verdict: 'ignore', reason: 'over-rate' },
      isBanned: [false, false],
    })
  })

  test('never bans for a flood where that is not asked for', () => {
    const { done } = gateAt({ laneRate: { perSecond: 0, burst: 1 }, overRate: undefined })
    const verdicts = Array.from({ length: 3 * OVER_RATE_BURST }, () => word(done('a')))
    expect(verdicts).not.toContain('ban')
  })

  test('counts what is told apart from what is gossiped', () => {
    const { say } = gateAt({ laneRate: { perSecond: 0, burst: 1 } })
    const told = () => word(say('a', { message: DONE }, 0, { number: undefined }))
    expect(word(say('a', { message: DONE }))).toBe('deliver')
    expect(word(say('a', { message: DONE }))).toBe('ignore')
    expect(told()).toBe('deliver')
  })

  test('passes on little of what a neighbour hands over of authors that are not there', () => {
    const { done, announce } = gateAt({ strangersRate: { perSecond: 0, burst: 2 } })
    const passedOn = (author: string) => {
      const verdict = done(author, 0, 'b')
      return verdict.verdict === 'deliver' && verdict.passOn
    }
    expect(['a', 'c', 'd', 'a'].map(passedOn)).toEqual([true, true, false, false])
    announce('a', 0)
    announce('b', 0)
    expect(['a', 'c', 'b'].map(passedOn)).toEqual([true, false, true])
  })

  test('passes on so much of one author and no more', () => {
    const { done } = gateAt({ passedOnRate: { perSecond: 1, burst: 2 } })
    const passedOn = () => {
      const verdict = done('a')
      return verdict.verdict === 'deliver' && verdict.passOn
    }
    expect([passedOn(), passedOn(), passedOn()]).toEqual([true, true, false])
  })

  test('counts presence and the lane apart, and refused messages as well', () => {
    const { say, done, announce } = gateAt({
      laneRate: { perSecond: 0, burst: 2 },
      presenceRate: { perSecond: 0, burst: 1 },
    })
    say('a', BROKEN)
    expect([done('a'), done('a'), announce('a', 0), announce('a', 0)].map(word)).toEqual([
      'deliver',
      'ignore',
      'deliver',
      'ignore',
    ])
  })

  test('bans the neighbour that keeps handing on what it should have refused, once', () => {
    const { say, done, gate } = gateAt()
    const verdicts = Array.from({ length: REJECTS_PER_NEIGHBOUR_MAX }, (_, sent) =>
      say(`author ${sent}`, BROKEN, sent, { source: 'liar' }),
    )
    expect(verdicts.slice(0, -1).every(({ verdict }) => verdict === 'reject')).toBe(true)
    expect(verdicts.at(-1)).toEqual({ verdict: 'ban', ...BROKEN, peer: 'liar' })
    expect(gate.isBanned('liar', 10)).toBe(true)
    expect(word(done('liar', 10))).toBe('ignore')
    expect(gate.isBanned('author 0', 10)).toBe(false)
  })

  test('forgives refusals that are rare, and neighbours that are not to blame', () => {
    const { say, gate } = gateAt({ blames: (source) => source !== 'bootstrap' })
    for (let sent = 0; sent < 3 * REJECTS_PER_NEIGHBOUR_MAX; sent++) {
      expect(word(say('newer', BROKEN, sent * BAN_MS))).toBe('reject')
      expect(word(say('any', BROKEN, 0, { source: 'bootstrap' }))).toBe('reject')
    }
    expect(gate.isBanned('bootstrap', 0)).toBe(false)
  })

  test('does not believe presence that is older than what it has heard', () => {
    const { announce, done } = gateAt()
    announce('a', 1, 0, { number: 9n })
    expect(announce('a', 0, 1, { number: 8n })).toEqual({ verdict: 'ignore', reason: 'old-news' })
    expect(done('a', 1)).toMatchObject({ passOn: false })
    expect(word(announce('a', 0, 1, { number: 10n }))).toBe('deliver')
  })

  test('lets an honest author say a burst of a lane’s size', () => {
    const { done } = gateAt()
    const said = Array.from({ length: LANE_MESSAGES_BURST + 1 }, () => word(done('a')))
    expect(said.filter((verdict) => verdict === 'deliver')).toHaveLength(LANE_MESSAGES_BURST)
  })
})

describe('a gate, before a signature is checked', () => {
  const knock = (source: string, author = source, isPresence = false) => ({
    source,
    author,
    isPresence,
  })

  test("counts a neighbour's own messages in full, and bans it when they go on", () => {
    const { gate } = gateAt()
    for (let i = 0; i < LANE_MESSAGES_BURST; i++) expect(gate.admit(knock('a'), 0)).toBeUndefined()
    for (let i = 0; i < OVER_RATE_BURST; i++)
      expect(gate.admit(knock('a'), 0)).toEqual({ verdict: 'ignore', reason: 'over-rate' })
    expect(gate.admit(knock('a'), 0)).toMatchObject({
      verdict: 'ban',
      kind: 'flood',
      peer: 'a',
    })
    expect(gate.admit(knock('a', 'c'), 0)).toEqual({ verdict: 'ignore', reason: 'banned' })
    expect(gate.admit(knock('b'), 0)).toBeUndefined()
  })

  test('counts presence apart, and all that a neighbour hands over together', () => {
    const { gate, announce } = gateAt({ handedOverRate: { perSecond: 10, burst: 60 } })
    announce('known', 1)
    for (let i = 0; i < PRESENCE_MESSAGES_BURST; i++)
      expect(gate.admit(knock('a', 'a', true), 0)).toBeUndefined()
    expect(gate.admit(knock('a', 'a', true), 0)).toMatchObject({ reason: 'over-rate' })
    for (let i = PRESENCE_MESSAGES_BURST + 1; i < 60; i++)
      expect(gate.admit(knock('a', 'known'), 0)).toBeUndefined()
    expect(gate.admit(knock('a', 'known'), 0)).toMatchObject({ reason: 'over-rate' })
    expect(gate.admit(knock('a', 'known'), 100)).toBeUndefined()
  })

  test('looks at little of what each neighbour hands over of authors that are not there', () => {
    const { gate, announce } = gateAt()
    let made = 0
    const heard = (source: string, nowMs: number) =>
      Array.from({ length: 2 * STRANGERS_HEARD_BURST }, () =>
        gate.admit(knock(source, `made up ${made++}`), nowMs),
      ).filter((verdict) => verdict === undefined).length
    expect(heard('a', 0)).toBe(STRANGERS_HEARD_BURST)
    expect(heard('b', 0)).toBe(STRANGERS_HEARD_BURST)
    // Its own, those of whom this member knows, and presence, which it is to blame for, count elsewhere.
    announce('known', 1)
    for (const author of ['a', 'known']) expect(gate.admit(knock('a', author), 0)).toBeUndefined()
    expect(gate.admit(knock('a', 'made up', true), 0)).toBeUndefined()
    expect(heard('a', 1_000)).toBe(STRANGERS_HEARD_PER_SECOND)
  })

  test('counts nothing twice: an admitted message of a neighbour is only judged', () => {
    const { gate, done } = gateAt({ laneRate: { perSecond: 1, burst: 2 } })
    for (let i = 0; i < 2; i++) expect(word(done('a'))).toBe('deliver')
    expect(done('a')).toEqual({ verdict: 'ignore', reason: 'over-rate' })
    const judged = (author: string, source: string) =>
      gate.judgeAdmitted(
        {
          source,
          author: author as PeerId,
          isPresence: false,
          number: 9n,
          content: () => ({ message: DONE }),
        },
        0,
      )
    for (let i = 0; i < 5; i++) expect(word(judged('b', 'b'))).toBe('deliver')
    // Whose name stands in it is known now: others pay with their own share.
    for (let i = 0; i < 2; i++) expect(word(judged('c', 'b'))).toBe('deliver')
    expect(judged('c', 'b')).toEqual({ verdict: 'ignore', reason: 'over-rate' })
  })

  test('blames a neighbour for what nobody has signed, and no bootstrap node', () => {
    const { gate } = gateAt({ blames: (source) => source !== 'server' })
    const bans = Array.from({ length: REJECTS_PER_NEIGHBOUR_MAX }, () => gate.blame('a', 0))
    expect(bans).toEqual([...Array(REJECTS_PER_NEIGHBOUR_MAX - 1).fill(false), true])
    expect(gate.isBanned('a', 0)).toBe(true)
    for (let i = 0; i < 2 * REJECTS_PER_NEIGHBOUR_MAX; i++)
      expect(gate.blame('server', 0)).toBe(false)
  })
})
