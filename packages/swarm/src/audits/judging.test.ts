import { encodeActivation, tensor } from '@layerswarm/model'
import { expect, test } from 'vitest'
import { toleranceOf, withinTolerance } from './agreement.ts'
import { judgingOf } from './judging.ts'
import { TOLERANCE } from './limits.ts'
import { roundArithmetic } from './round-arithmetic.ts'

/** What publish measures of models/fashion-vit in int8 and in int4. */
const [INT8, INT4] = [0.005, 0.0583]

/** As many values as one token of models/fashion-vit, of which a share is changed by that much of all of it. */
function result(apart: number) {
  const values = Float32Array.from({ length: 64 }, (_, i) => Math.cos(i))
  const size = Math.hypot(...values)
  values[7] = (values[7] as number) + apart * size
  return encodeActivation(tensor([1, 1, 64], values), 'float32')
}

function judging(layers: number, fileDistance: number) {
  const agree = withinTolerance
  const options = { agree, isPlausible: () => true, arithmetic: roundArithmetic, fileDistance }
  return judgingOf({ layers: Array.from({ length: layers }, (_, i) => i) }, options)
}

test('a release with one file a layer is compared within what engines differ, however many layers ran', () => {
  expect([1, 2, 8].map((layers) => toleranceOf(layers, 0))).toEqual([0.02, 0.02, 0.02])
  const { agree, hasOneFile } = judging(8, 0)
  expect(hasOneFile).toBe(true)
  expect([0.019, 0.021].map((apart) => agree(result(0), result(apart)))).toEqual([true, false])
})

test('int8 needs no more than that', () => {
  expect(toleranceOf(8, INT8)).toBe(TOLERANCE)
})

test('a host with int4 is no liar to one with float16, for any number of layers', () => {
  // The largest distances of 64 pictures in 6 orders, by layers run one after the other.
  const measured = [
    [1, 0.0503],
    [2, 0.0654],
    [4, 0.0906],
    [8, 0.143],
  ] as const
  for (const [layers, apart] of measured) {
    expect(judging(layers, INT4).agree(result(0), result(apart)), `${layers} layers`).toBe(true)
    expect(judging(layers, 0).agree(result(0), result(apart)), `${layers} layers`).toBe(false)
  }
})

test('what no file makes is a lie all the same: half of the least step of a layer', () => {
  const { agree, hasOneFile } = judging(1, INT4)
  expect(agree(result(0), result(0.08))).toBe(false)
  // Nor is anybody judged by the name of a tensor where two names may be right.
  expect(hasOneFile).toBe(false)
})
