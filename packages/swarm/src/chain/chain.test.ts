import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CHAIN_SPARE_MAX, ERAS_MAX } from '../limits.ts'
import { ANY_SIGNATURE, anyTensor } from '../testing/any-chain.ts'
import { anyStep, heldTensor } from '../testing/any-step.ts'
import { areSealed, sealedBy } from '../testing/seals.ts'
import { encodeMessage, type Hop, type PeerId, type Step } from '../wire/messages.ts'
import type { Weighted } from '../wire/weights.ts'
import { boundChain, withOwnLink } from './own-link.ts'
import { chainFault, isChainFull, signersOf } from './signers.ts'
import { statementsOf } from './statement.ts'
import { tensorOf } from './tensor-of.ts'

const release = '5'.repeat(64)
const [requester, a, b, c] = ['requester', 'a', 'b', 'c'] as PeerId[] as [
  PeerId,
  PeerId,
  PeerId,
  PeerId,
]
const peers = [a, b, c]

const first = (next?: PeerId) =>
  sealedBy(
    requester,
    anyStep({ requester, next, chain: [], activation: heldTensor(requester, anyTensor(0)) }),
    release,
  )

/** The step that a peer makes of one that it was named for, or that anybody may go on with. */
function visited(
  step: Step,
  by: PeerId,
  layers: readonly number[],
  next?: PeerId,
  of: Weighted = {},
): Step {
  const hops = layers.map((layer): Hop => ({ layer, peer: by, backend: 'reference', ms: 1, ...of }))
  const route = [...step.route, ...hops]
  const activation = heldTensor(by, anyTensor(route.length))
  return sealedBy(by, { ...step, route, chain: boundChain(step), next, activation }, release)
}

/** The same step with its tensor here, for somebody else. */
function passedOn(step: Step, by: PeerId, next?: PeerId): Step {
  const activation = heldTensor(by, tensorOf(step.activation))
  return sealedBy(by, { ...step, next, activation }, release)
}

const isTrue = (step: Step, author: PeerId) =>
  chainFault(step, author) === undefined && areSealed([...statementsOf(step, release)])

describe('a chain', () => {
  test('goes from its requester over whoever was named to whoever says the step', () => {
    const step = visited(visited(first(a), a, [2, 0], b), b, [1], c)
    expect(signersOf(step)).toEqual([requester, a, b])
    expect(isTrue(step, b)).toBe(true)
    expect(isTrue(step, a)).toBe(false)
  })

  test('says of which release each layer was, and nobody says otherwise afterwards', () => {
    const weights = 'a1'.repeat(32)
    const step = visited(visited(first(a), a, [2, 0], b, { weights }), b, [1], c)
    expect(isTrue(step, b)).toBe(true)
    const without = step.route.map(({ weights: _, ...hop }) => hop)
    const other = step.route.map((hop) => ({ ...hop, weights: 'b2'.repeat(32) }))
    const later = step.route.map((hop) => ({ ...hop, weights }))
    for (const route of [without, other, later]) expect(isTrue({ ...step, route }, b)).toBe(false)
  })

  test('may be gone on with by anybody where nobody is named', () => {
    for (const peer of peers) expect(isTrue(visited(first(), peer, [1]), peer)).toBe(true)
  })

  test('is not to be gone on with by anybody but whom it names', () => {
    expect(chainFault(visited(first(a), b, [1]), b)).toBeUndefined()
    expect(isTrue(visited(first(a), b, [1]), b)).toBe(false)
  })

  test('goes by way of whoever was named to pass the tensor on', () => {
    const relayed = passedOn(visited(first(a), a, [1], b), b, c)
    expect(signersOf(relayed)).toEqual([requester, a, b])
    expect(isTrue(relayed, b)).toBe(true)
    expect(isTrue(visited(relayed, c, [2]), c)).toBe(true)
    expect(isTrue(passedOn(visited(first(a), a, [1], c), b, c), b)).toBe(false)
  })

  test('begins anew with its requester, whose word for a route is enough', () => {
    const far = visited(visited(first(a), a, [1], b), b, [2], c)
    const anew = sealedBy(requester, { ...far, era: 1, next: b }, release)
    expect(anew.chain).toHaveLength(1)
    expect(isTrue(anew, requester)).toBe(true)
    const again = passedOn(anew, b, c)
    expect(isTrue(again, b)).toBe(true)
    expect(isTrue(visited(again, c, [3]), c)).toBe(true)
  })

  test('holds a layer of nobody but its signers', () => {
    const hop = (layer: number, peer: PeerId): Hop => ({ layer, peer, backend: 'reference', ms: 1 })
    const step = { ...first(a), route: [hop(1, c), hop(2, a)] }
    expect(chainFault(withOwnLink(step, a), a)).toBe('a link of nobody')
    expect(chainFault({ ...step, chain: [] }, a)).toBe('no link of its requester')
    expect(chainFault(step, requester)).toBe('a layer that nobody signed')
  })

  test('is said with the tensor of whoever says it; its requester may say where another holds it', () => {
    const step = visited(first(a), a, [1], b)
    const elsewhere = { ...step, activation: heldTensor(c) }
    expect(chainFault(elsewhere, a)).toBe('a tensor that its author does not hold')
    const said = withOwnLink(step, requester)
    expect(chainFault(said, requester)).toBeUndefined()
    expect(chainFault({ ...said, activation: heldTensor(c) }, requester)).toBeDefined()
  })
})

describe('nobody changes what was signed before, in any chain:', () => {
  const visits = fc.array(fc.constantFrom(...peers), { minLength: 2, maxLength: 5 })
  /** A true step after these visits of one layer each, and who says it. */
  const stepOf = (by: readonly PeerId[]): Step => {
    let step = first(by[0])
    for (const [layer, peer] of by.entries()) step = visited(step, peer, [layer], by[layer + 1])
    return step
  }
  const changes: Record<string, (step: Step) => Step> = {
    era: (step) => ({ ...step, era: ERAS_MAX }),
    deadline: (step) => ({ ...step, endsAtMs: step.endsAtMs + 1 }),
    requester: (step) => ({ ...step, requester: 'another' as PeerId }),
    request: (step) => ({ ...step, request: '2'.repeat(32) as Step['request'] }),
    plan: (step) => ({ ...step, plan: [7, ...step.plan] }),
    'number of images': (step) => ({ ...step, activation: { ...step.activation, batch: 2 } }),
    layer: (step) => ({
      ...step,
      route: step.route.map((hop, i) => (i === 0 ? { ...hop, layer: 9 } : hop)),
    }),
    'name in the route': (step) => ({
      ...step,
      route: step.route.map((hop, i) => (i === 0 ? { ...hop, peer: 'another' as PeerId } : hop)),
    }),
    signature: (step) => ({
      ...step,
      chain: step.chain.map((link, i) => (i === 0 ? { ...link, signature: ANY_SIGNATURE } : link)),
    }),
    tensor: (step) => ({
      ...step,
      chain: step.chain.map((link, i) => (i === 0 ? { ...link, tensor: anyTensor(99) } : link)),
    }),
    barred: (step) => ({ ...step, barred: [7] }),
    'link left out': (step) => ({ ...step, chain: step.chain.slice(1) }),
    'named for nobody': (step) => ({
      ...step,
      chain: step.chain.map((link, i) => (i === 0 ? { ...link, isOpen: true } : link)),
    }),
  }

  test.each(Object.entries(changes))('%s', (_, change) => {
    fc.assert(
      fc.property(visits, (by) => {
        const step = stepOf(by)
        const author = by.at(-1) as PeerId
        expect(isTrue(step, author)).toBe(true)
        // Whoever changes it signs the last link of what comes out.
        const { chain, ...rest } = step
        const changed = change({ ...rest, chain: chain.slice(0, -1) })
        expect(isTrue(sealedBy(author, changed, release), author)).toBe(false)
      }),
      { numRuns: 50 },
    )
  })
})

test('a chain has a link for its requester and each layer, and few more, so that whoever is named has room for its own', () => {
  let step = visited(first(a), a, [1], b)
  const relays = [b, c]
  for (let i = 0; i < CHAIN_SPARE_MAX + 1; i++) {
    const by = relays[i % 2] as PeerId
    expect(isChainFull(step)).toBe(i === CHAIN_SPARE_MAX)
    step = passedOn(step, by, relays[(i + 1) % 2])
    const fault = i === CHAIN_SPARE_MAX ? 'more links than visits' : undefined
    expect(chainFault(step, by)).toBe(fault)
  }
})

test('a visit that hands on the tensor that it was given is refused', () => {
  const step = visited(first(a), a, [1], b)
  const idle = { ...step, activation: heldTensor(a, anyTensor(0)) }
  expect(chainFault(step, a)).toBeUndefined()
  expect(chainFault(idle, a)).toBe('a visit that changed nothing')
})

test('only the last link leaves its tensor to the step', () => {
  const step = visited(first(a), a, [1], b)
  const [own, last] = step.chain
  const without = [{ ...own, tensor: undefined }, last] as Step['chain']
  expect(chainFault({ ...step, chain: without }, a)).toBe('a link without a tensor')
  const twice = [own, { ...last, tensor: anyTensor(1) }] as Step['chain']
  expect(chainFault({ ...step, chain: twice }, a)).toBe('a last link with a tensor of its own')
})

test('a link costs 100 bytes, and one of whoever passes a tensor on its name beside', () => {
  const step = visited(first(a), a, [1], b)
  const bytes = (one: Step) => encodeMessage(one).length
  const without = bytes({ ...step, chain: step.chain.slice(1) })
  expect(bytes(step) - without).toBe(100)
})
