import {
  encodeMessage,
  GOSSIP_CONTROLS_BURST,
  PRESENCE_TTL_MS,
  type Presence,
  presenceTopic,
} from '@layerswarm/swarm'
import { anyPresence } from '@layerswarm/swarm/testing'
import { describe, expect, test } from 'vitest'
import {
  BAN_MS,
  CONTROLS_PER_ADDRESS,
  PRESENCE_BYTES_MAX,
  SOURCES_PER_ADDRESS,
  STRIKES_MAX,
} from './limits.ts'
import { createPresenceGate, type PresenceArrival } from './presence-gate.ts'

const RELEASE = 'ab'.repeat(32)

function presence(fields: Partial<Presence> = {}): Presence {
  return anyPresence({
    release: RELEASE,
    sequence: 1,
    layers: [0, 1],
    freeSlots: 8,
    layerMs: 2,
    ...fields,
  })
}

let number = 0n

/** A message that came in, newer than all before it; whoever hands over another's is a server. */
function from(
  source: string,
  author: string,
  bytes: Uint8Array,
  network: string | undefined = undefined,
  isServer = source !== author,
): PresenceArrival {
  const topic = presenceTopic(RELEASE, 0)
  return { source, isServer, network, author, bytes, topic, number: ++number }
}

const hello = encodeMessage(presence())
const garbage = new Uint8Array([1, 200, 3])

describe('a presence gate', () => {
  test('accepts presence and remembers its author', () => {
    const gate = createPresenceGate()
    expect(gate.judge(from('neighbour', 'author', hello), 0)).toBe('accept')
    expect(gate.peers(0)).toMatchObject([{ peer: 'author', presence: { layers: [0, 1] } }])
    expect(gate.counts).toMatchObject({ accepted: 1, acceptedBytes: hello.length })
  })

  test('hears of others from servers alone, and of each neighbour from itself', () => {
    const gate = createPresenceGate()
    const verdictOf = (source: string, isServer: boolean) =>
      gate.judge(from(source, 'made-up', hello, undefined, isServer), 0)
    expect(verdictOf('neighbour', false)).toBe('ignore')
    expect(gate.peers(0)).toEqual([])
    expect(gate.counts.refused.hearsay).toBe(1)
    expect(gate.isBanned('neighbour', 0)).toBe(false)
    expect(verdictOf('made-up', false)).toBe('accept')
    expect(verdictOf('server', true)).toBe('accept')
  })

  test('rejects what is malformed, too long, or of another kind', () => {
    const gate = createPresenceGate()
    const done = encodeMessage({ kind: 'done', isPublic: false, request: '00'.repeat(16) as never })
    expect(gate.judge(from('s', 'a', garbage), 0)).toBe('reject')
    expect(gate.judge(from('s', 'a', new Uint8Array(PRESENCE_BYTES_MAX + 1)), 0)).toBe('reject')
    expect(gate.judge(from('s', 'a', done), 0)).toBe('reject')
    expect(gate.peers(0)).toEqual([])
    expect(gate.counts.refused).toMatchObject({ malformed: 1, oversized: 1, 'not-presence': 1 })
  })

  test('lets the longest honest presence through', () => {
    const address = `/${'a'.repeat(248)}/p2p/a`
    const layers = Array.from({ length: 64 }, (_, layer) => layer)
    const longest = encodeMessage(presence({ layers, addresses: Array(8).fill(address) }))
    expect(longest.length).toBeGreaterThan(2_000)
    expect(createPresenceGate().judge(from('s', 'a', longest), 0)).toBe('accept')
  })

  test('drops what an author sends beyond its rate, without blaming who forwards it', () => {
    const gate = createPresenceGate({ author: { burst: 3, perSecond: 1 } })
    const verdicts = [0, 1, 2, 3, 4].map((ms) => gate.judge(from('s', 'loud', hello), ms))
    expect(verdicts).toEqual(['accept', 'accept', 'accept', 'ignore', 'ignore'])
    expect(gate.judge(from('s', 'quiet', hello), 4)).toBe('accept')
    expect(gate.judge(from('s', 'loud', hello), 1_100)).toBe('accept')
    expect(gate.isBanned('s', 1_100)).toBe(false)
  })

  test('bounds one neighbour even if every message has a new author', () => {
    const gate = createPresenceGate({ source: { burst: 2, perSecond: 1 } })
    const verdicts = ['a', 'b', 'c'].map((author) => gate.judge(from('sybil', author, hello), 0))
    expect(verdicts).toEqual(['accept', 'accept', 'ignore'])
    expect(gate.counts.refused['source-rate']).toBe(1)
  })

  test('bans a peer for its own malformed messages, for a while, and says so once', () => {
    const banned: string[] = []
    const gate = createPresenceGate({ onBan: (peer) => banned.push(peer) })
    for (let sent = 0; sent < STRIKES_MAX + 2; sent += 1)
      gate.judge(from('liar', 'liar', garbage), 0)
    expect(banned).toEqual(['liar'])
    expect(gate.isBanned('liar', BAN_MS - 1)).toBe(true)
    expect(gate.isBanned('liar', BAN_MS + 1)).toBe(false)
  })

  test('never bans a peer for what another wrote', () => {
    const gate = createPresenceGate()
    for (let sent = 0; sent < 3 * STRIKES_MAX; sent += 1)
      gate.judge(from('victim', 'liar', garbage), 0)
    expect(gate.isBanned('victim', 0)).toBe(false)
  })

  test('forgets a peer that says it is leaving, falls silent, or disconnects', () => {
    const gate = createPresenceGate()
    for (const peer of ['leaver', 'silent', 'gone']) gate.judge(from('s', peer, hello), 0)
    gate.judge(from('s', 'leaver', encodeMessage(presence({ sequence: 2, leaving: true }))), 1)
    gate.forget('gone')
    expect(gate.peers(1).map(({ peer }) => peer)).toEqual(['silent'])
    expect(gate.peers(PRESENCE_TTL_MS)).toEqual([])
  })

  test('does not let an older presence undo a newer one', () => {
    const gate = createPresenceGate()
    const old = from('s', 'a', encodeMessage(presence({ layers: [] })))
    gate.judge(from('s', 'a', encodeMessage(presence({ layers: [3] }))), 0)
    expect(gate.judge(old, 1)).toBe('ignore')
    expect(gate.counts.refused['old-news']).toBe(1)
    expect(gate.peers(1)[0]?.presence.layers).toEqual([3])
  })

  test('sends nobody to an address that is not its author’s', () => {
    const gate = createPresenceGate()
    const lure = encodeMessage(presence({ addresses: ['/ip4/127.0.0.1/tcp/1/p2p/victim'] }))
    expect(gate.judge(from('s', 'a', lure), 0)).toBe('reject')
    expect(gate.counts.refused['not-allowed']).toBe(1)
    expect(gate.peers(0)).toEqual([])
  })

  test('does not hear a banned peer through others', () => {
    const gate = createPresenceGate()
    for (let sent = 0; sent < STRIKES_MAX; sent += 1) gate.judge(from('liar', 'liar', garbage), 0)
    expect(gate.judge(from('neighbour', 'liar', hello), 1)).toBe('ignore')
    expect(gate.counts.refused.banned).toBe(1)
  })

  test('hears so much of all neighbours behind one address, however many identities they have', () => {
    const gate = createPresenceGate({ source: { burst: 2, perSecond: 0 } })
    const heard = (network: string | undefined, name: string) =>
      Array.from({ length: 20 }, (_, i) => {
        return gate.judge(from(`${name}${i}`, `${name}${i}`, hello, network), 0)
      }).filter((verdict) => verdict === 'accept').length
    expect(heard('192.0.2.1', 'a')).toBe(2 * SOURCES_PER_ADDRESS)
    expect(heard('192.0.2.2', 'b')).toBe(2 * SOURCES_PER_ADDRESS)
    expect(heard(undefined, 'c')).toBe(20)
  })

  test('holds a bounded number of rates', () => {
    const gate = createPresenceGate({ author: { burst: 1, perSecond: 0 }, namesMax: 2 })
    expect(['a', 'b', 'c', 'a'].map((author) => gate.judge(from('s', author, hello), 0))).toEqual(
      // "a" was forgotten when "c" came, so its bucket is full again.
      ['accept', 'accept', 'accept', 'accept'],
    )
  })
})

describe('a presence gate, before a signature is checked', () => {
  const knock = (source: string, isOwn: boolean, network?: string) => ({
    ...{ source, isServer: !isOwn, author: isOwn ? source : 'another', network },
    bytes: hello.length,
  })

  test("counts a neighbour's own presence, and all that it hands over", () => {
    const author = { burst: 3, perSecond: 1 }
    const source = { burst: 10, perSecond: 5 }
    const gate = createPresenceGate({ author, source })
    const admitted = (isOwn: boolean, nowMs: number) =>
      Array.from({ length: 12 }, () => gate.admits(knock('s', isOwn), nowMs)).filter(Boolean).length
    expect(admitted(true, 0)).toBe(3)
    // Of ten, three were its own, and seven were refused as too many of its own.
    expect(admitted(false, 0)).toBe(0)
    expect(admitted(false, 1_000)).toBe(5)
    expect(gate.counts.refused).toMatchObject({ 'author-rate': 7, 'source-rate': 2 + 12 + 7 })
    expect(gate.counts.refusedBytes).toBe(28 * hello.length)
  })

  test('counts all neighbours behind one address together', () => {
    const gate = createPresenceGate({ source: { burst: 2, perSecond: 1 } })
    const admitted = Array.from({ length: 20 }, (_, i) =>
      gate.admits(knock(`s${i}`, false, 'home'), 0),
    )
    expect(admitted.filter(Boolean)).toHaveLength(2 * SOURCES_PER_ADDRESS)
    expect(gate.admits(knock('other', false, 'elsewhere'), 0)).toBe(true)
  })

  test('heeds so much control of one neighbour and of one address, and all of another server', () => {
    const gate = createPresenceGate()
    const heeds = (source: string, network?: string, isServer = false) =>
      gate.heeds({ source, network, isServer }, GOSSIP_CONTROLS_BURST, 0)
    expect([heeds('a'), heeds('a'), heeds('b')]).toEqual([true, false, true])
    expect([heeds('s', 'home', true), heeds('s', 'home', true)]).toEqual([true, true])
    const ofOne = Array.from({ length: 2 * CONTROLS_PER_ADDRESS }, (_, i) => heeds(`h${i}`, 'home'))
    expect(ofOne.filter(Boolean)).toHaveLength(CONTROLS_PER_ADDRESS)
    expect(heeds('c', 'elsewhere')).toBe(true)
  })

  test('bans a neighbour that goes on to hand over what nobody has signed', () => {
    const banned: string[] = []
    const gate = createPresenceGate({ onBan: (peer) => banned.push(peer) })
    for (let i = 0; i < STRIKES_MAX; i++) gate.blame('s', 0)
    expect(banned).toEqual(['s'])
    expect(gate.isBanned('s', 0)).toBe(true)
    expect(gate.admits(knock('s', false), 0)).toBe(false)
  })
})
