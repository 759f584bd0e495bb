import type { EncodedActivation } from '@layerswarm/model'
import { expect, test } from 'vitest'
import { anyStep, heldTensor } from '../testing/any-step.ts'
import type { PeerId } from '../wire/messages.ts'
import { Audit } from './audit.ts'
import { FAILURES_MAX, RECOUNTS_MAX } from './limits.ts'

const [a, b, c, d, e] = [...'abcde'] as PeerId[] as [PeerId, PeerId, PeerId, PeerId, PeerId]

/** Results are numbers here: those agree whose tens are equal, and below 10 there is no step of a layer. */
const tensor = (number: number) =>
  ({ dtype: 'int8', shape: [1, 1, 1], bytes: Uint8Array.of(number) }) as const
const tens = ({ bytes }: EncodedActivation) => Math.floor((bytes[0] as number) / 10)
const held = (number: number) => heldTensor(a, `${number}`.padStart(64, '0'))

/** Of a stretch that `a` says came to this. */
function audit(number: number) {
  const after = anyStep({ activation: held(number) })
  const stretch = { before: anyStep(), after, peers: [a], layers: [1] }
  const judging = {
    agree: (one: EncodedActivation, other: EncodedActivation) => tens(one) === tens(other),
    isPlausible: (_input: EncodedActivation, output: EncodedActivation) => tens(output) > 0,
    hasOneFile: true,
  }
  return new Audit(stretch, judging, false, 0)
}

/** Somebody comes to this. */
function add(one: Audit, peer: PeerId, number: number) {
  one.add([peer], held(number), one.isSame(held(number).hash) ? undefined : tensor(number))
  return one.verdict
}

test('two results of one name are right, and nothing is fetched for that', () => {
  const one = audit(70)
  expect(add(one, b, 70)).toEqual({ right: [[a], [b]], wrong: [] })
  expect([one.needsOutput, one.isDisputed]).toEqual([false, false])
})

test('results of other names are compared once what was said came out is here', () => {
  const one = audit(70)
  expect(add(one, b, 71)).toBeUndefined()
  expect(one.needsOutput).toBe(true)
  one.outputCame(tensor(70))
  expect(one.verdict).toEqual({ right: [[a], [b]], wrong: [] })
})

test('of results that differ three that agree are right, and whoever differs is wrong', () => {
  const one = audit(90)
  one.input = tensor(50)
  one.outputCame(tensor(90))
  expect(add(one, b, 70)).toBeUndefined()
  expect(one.isDisputed).toBe(true)
  expect(add(one, c, 71)).toBeUndefined()
  expect(add(one, d, 72)).toEqual({ right: [[b], [c], [d]], wrong: [[a]] })
})

test('two that lie alike do not outvote those who do not', () => {
  const one = audit(90)
  one.input = tensor(50)
  one.outputCame(tensor(90))
  add(one, b, 70)
  expect(add(one, c, 91)).toBeUndefined()
  add(one, d, 71)
  expect(add(one, e, 72)).toEqual({ right: [[b], [d], [e]], wrong: [[a], [c]] })
})

test('a false auditor is outvoted like anybody else, and several that differ outvote nobody', () => {
  const one = audit(70)
  one.input = tensor(50)
  one.outputCame(tensor(70))
  add(one, b, 10)
  expect(add(one, c, 20)).toBeUndefined()
  expect(one.heard).toEqual([a, b, c])
  add(one, d, 71)
  expect(add(one, e, 72)).toEqual({ right: [[a], [d], [e]], wrong: [[b], [c]] })
})

test('when there is nobody else more than agree on anything else are believed, and as many are not', () => {
  const one = audit(90)
  one.input = tensor(50)
  one.outputCame(tensor(90))
  add(one, b, 70)
  expect(one.lastVerdict).toBeUndefined()
  add(one, c, 71)
  expect(one.lastVerdict).toEqual({ right: [[b], [c]], wrong: [[a]] })
  add(one, d, 91)
  expect(one.lastVerdict).toBeUndefined()
})

test('in a dispute results that are no step of a layer, or of which that is not known, need one more', () => {
  const one = audit(1)
  one.input = tensor(50)
  one.outputCame(tensor(1))
  add(one, b, 2)
  add(one, c, 70)
  expect(add(one, d, 3)).toBeUndefined()
  expect(one.lastVerdict).toBeUndefined()
  const blind = audit(70)
  blind.outputCame(tensor(70))
  add(blind, b, 20)
  add(blind, c, 71)
  expect(add(blind, d, 72)).toBeUndefined()
  expect(add(blind, e, 73)).toEqual({ right: [[a], [c], [d], [e]], wrong: [[b]] })
})

test('recomputations are bounded, and those that come to nothing more so', () => {
  const one = audit(70)
  const taken = Array.from({ length: RECOUNTS_MAX + 2 }, () => one.takeRecount())
  expect(taken.filter(Boolean)).toHaveLength(RECOUNTS_MAX)
  const other = audit(70)
  for (let i = 0; i <= FAILURES_MAX; i++) {
    expect(other.takeRecount()).toBe(true)
    other.failed()
  }
  expect(other.takeRecount()).toBe(false)
})

test('who came to what was made here is right, and who has no tensor to show is judged by its name', () => {
  const one = audit(90)
  add(one, b, 70)
  expect(one.verdictBy(tensor(70))).toEqual({ right: [[b]], wrong: [] })
  one.isExact = true
  one.loseOutput()
  expect(one.verdictBy(tensor(70))).toEqual({ right: [[b]], wrong: [[a]] })
  expect(one.verdictBy(tensor(20))).toEqual({ right: [], wrong: [[b]] })
  one.outputCame(tensor(90))
  expect(one.verdictBy(tensor(91))).toEqual({ right: [[a]], wrong: [[b]] })
  expect(audit(90).verdictBy(tensor(90))).toBeUndefined()
})
