import { describe, expect, test } from 'vitest'
import { draw } from '../draw.ts'
import type { PeerId, RequestId } from '../wire/messages.ts'
import { directHandOver } from './direct.ts'
import { countCommon, layerSet, meet, size, without } from './layer-set.ts'
import { STRANGER_TRIAL_ONE_IN, STRANGERS_FAIL_START } from './limits.ts'
import type { Choice, Host } from './policy.ts'
import { Strangers } from './strangers.ts'

const policy = directHandOver('few')
const me = 'me' as PeerId

function host(name: string, layers: readonly number[], given: Partial<Host> = {}): Host {
  return {
    peer: name as PeerId,
    mark: draw(name),
    layers: layerSet(layers),
    layersMost: 64,
    layerMs: 1,
    isMeasured: true,
    pending: 0,
    isReachable: true,
    isProven: true,
    isOwed: false,
    doubt: 0,
    extraMs: 0,
    transferMs: 0,
    ...given,
  }
}

/** Peers on a line: the way between two is the distance of their numbers, milliseconds. */
function choice(
  hosts: readonly Host[],
  layers: number,
  at: Readonly<Record<string, number>>,
  round = 1,
): Choice {
  const place = (peer: PeerId) => (peer === me ? 0 : (at[peer] ?? 0))
  return {
    request: '1'.repeat(32) as RequestId,
    round,
    self: me,
    requester: me,
    visitLayers: layers,
    open: layerSet(Array.from({ length: layers }, (_, layer) => layer)),
    hosts,
    trialOneIn: Number.MAX_SAFE_INTEGER,
    wayMs: (from, to) => Math.abs(place(from) - place(to)),
  }
}

const chosen = (given: Choice) => policy.favourite(given)?.host.peer

describe('a favourite', () => {
  test('is the first stop of the shortest way round, not the nearest host', () => {
    const hosts = [host('near', [0]), host('b', [1]), host('both', [0, 1])]
    // By way of `near` it is 1 + 99 + 100, at `both` 60 there and back.
    expect(chosen(choice(hosts, 2, { near: 1, b: 100, both: 60 }))).toBe('both')
    expect(chosen(choice(hosts, 2, { near: 1, b: 2, both: 60 }))).toBe('near')
  })

  test('has work counted: a queue, slow layers, a thin access, a stranger’s time-outs', () => {
    for (const burden of [
      { pending: 200 },
      { layerMs: 200 },
      { transferMs: 300 },
      { extraMs: 300 },
    ]) {
      const hosts = [host('a', [0, 1], burden), host('b', [0, 1])]
      expect(chosen(choice(hosts, 2, { a: 10, b: 60 }))).toBe('b')
    }
  })

  test('is sought among long stays too where a layer takes long, however many short ones there are', () => {
    // A short stay is done sooner than a long one, but six of them cost six transfers.
    const slow = { layerMs: 94, transferMs: 100 }
    const short = Array.from({ length: 40 }, (_, i) => host(`short ${i}`, [i % 6], slow))
    const long = [host('a', [0, 1, 2], slow), host('b', [3, 4, 5], slow)]
    expect(chosen(choice([...short, ...long], 6, {}))).toMatch(/^[ab]$/)
  })

  test('leaves dear work for last: whoever chooses then may know a better host', () => {
    const hosts = [host('dear', [0], { layerMs: 900 }), host('usual', [1], { layerMs: 90 })]
    // By way of `dear` first it would be 20 ms shorter.
    const there = {
      ...choice(hosts, 2, { dear: 10, usual: 20, there: 30 }),
      requester: 'there' as PeerId,
    }
    expect(chosen(there)).toBe('usual')
  })

  test('is believed no more layers than it may be', () => {
    const hosts = [host('boaster', [0, 1, 2, 3], { layersMost: 1 }), host('a', [0, 1, 2, 3])]
    expect(chosen(choice(hosts, 4, { boaster: 10, a: 30 }))).toBe('a')
  })

  test('is reachable and beyond doubt, while there is one', () => {
    const hosts = [
      host('far', [0], { isReachable: false }),
      host('silent', [0], { doubt: 1 }),
      host('a', [0]),
    ]
    expect(chosen(choice(hosts, 1, { far: 1, silent: 1, a: 100 }))).toBe('a')
  })

  test('among those that were silent is the least doubtful known one, waited for again', () => {
    const hosts = [
      host('twice', [0], { doubt: 4 }),
      host('once', [0], { doubt: 1 }),
      host('stranger', [0], { doubt: 1, isProven: false }),
    ]
    expect(policy.favourite(choice(hosts, 1, {}))).toMatchObject({
      host: { peer: 'once' },
      isAgain: true,
    })
    expect(policy.favourite(choice([hosts[2] as Host], 1, {}))).toBeUndefined()
  })

  test('is a newcomer that is owed a trial, at any distance', () => {
    const hosts = [host('a', [0]), host('new', [0], { isProven: false, isOwed: true })]
    expect(policy.favourite(choice(hosts, 1, { a: 1, new: 500 }))).toMatchObject({
      host: { peer: 'new' },
      isTrial: true,
    })
  })

  test.each([
    ['by its own word is slow', { layerMs: 900 }],
    ['has work for long', { layerMs: 90, pending: 10 }],
    ['has a thin access', { transferMs: 2_000 }],
  ])('is no newcomer that %s, though it is owed a trial', (_, burden) => {
    const hosts = [host('a', [0]), host('new', [0], { isProven: false, isOwed: true, ...burden })]
    expect(policy.favourite(choice(hosts, 1, { a: 1, new: 1 }))).toMatchObject({
      host: { peer: 'a' },
      isTrial: false,
    })
  })

  test('is a drawn stranger in one choice of so many', () => {
    const hosts = [
      host('a', [0]),
      host('s', [0], { isProven: false }),
      host('t', [0], { isProven: false }),
    ]
    const found = Array.from({ length: 4_000 }, (_, round) =>
      chosen({ ...choice(hosts, 1, { a: 1, s: 500, t: 500 }, round), trialOneIn: 16 }),
    )
    const strangers = found.filter((peer) => peer !== 'a')
    expect(strangers.length).toBeGreaterThan(4_000 / 16 / 2)
    expect(strangers.length).toBeLessThan((4_000 / 16) * 2)
    expect(new Set(strangers)).toEqual(new Set(['s', 't']))
  })

  test('differs among equals, so that the work is spread', () => {
    const hosts = ['a', 'b', 'c', 'd'].map((name) => host(name, [0, 1]))
    const found = Array.from({ length: 200 }, (_, round) => chosen(choice(hosts, 2, {}, round)))
    expect(new Set(found).size).toBe(4)
  })

  test('is found among hosts of 64 layers', () => {
    const all = Array.from({ length: 64 }, (_, layer) => layer)
    const hosts = [
      host('low', all.slice(0, 32)),
      host('high', all.slice(32)),
      host('slow', all, { layerMs: 50 }),
    ]
    expect(['low', 'high']).toContain(chosen(choice(hosts, 64, { low: 5, high: 6, slow: 1 })))
  })

  test('is nobody where nobody hosts an open layer', () => {
    expect(chosen(choice([host('a', [3])], 2, {}))).toBeUndefined()
  })
})

describe('a set of layers', () => {
  test('counts, meets and takes away across both of its words', () => {
    const a = layerSet([0, 31, 32, 63])
    const b = layerSet([31, 32, 40])
    expect([size(a), countCommon(a, b), meet(a, b), meet(a, layerSet([1, 33]))]).toEqual([
      4,
      2,
      true,
      false,
    ])
    expect(without(a, b, 64)).toEqual(layerSet([0, 63]))
    expect(size(without(a, a, 3))).toBe(1)
  })
})

describe('strangers', () => {
  test('cost what their time-outs cost, and nothing to speak of once they deliver', () => {
    const strangers = new Strangers()
    expect(strangers.failShare).toBe(STRANGERS_FAIL_START)
    const fresh = strangers.costMs(100, undefined)
    for (let i = 0; i < 30; i++) strangers.tried(true)
    expect(strangers.costMs(100, undefined)).toBeLessThan(fresh / 20)
    for (let i = 0; i < 10; i++) strangers.tried(false)
    expect(strangers.costMs(100, undefined)).toBeGreaterThan(5 * fresh)
    expect(strangers.costMs(100, 0)).toBeLessThan(strangers.costMs(100, undefined))
  })

  test('are tried more rarely while they fail, and as before once they deliver', () => {
    const strangers = new Strangers()
    for (let i = 0; i < 10; i++) strangers.tried(false)
    expect(strangers.trialOneIn).toBe(256)
    for (let i = 0; i < 10; i++) strangers.tried(true)
    expect(strangers.trialOneIn).toBe(STRANGER_TRIAL_ONE_IN)
  })
})
