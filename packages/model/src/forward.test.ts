import { describe, expect, test } from 'vitest'
import { ModelError } from './errors.ts'
import { argmax, checkOrder, forward, parseOrder, rowsOf, softmax } from './forward.ts'
import {
  createReferenceEngine,
  parseModelSpec,
  parseOrder as publicParseOrder,
  randomModel,
  randomTensor,
} from './index.ts'
import { erf, gelu } from './reference.ts'
import { tensor } from './tensor.ts'

const spec = parseModelSpec({
  variant: 'shuffle',
  imageSize: 28,
  patchSize: 7,
  channels: 1,
  width: 32,
  layers: 4,
  heads: 4,
  mlpWidth: 64,
  classes: 10,
  layerNormEps: 1e-6,
})

describe('an order of layers', () => {
  test('is read as people write it', () => {
    expect(parseOrder('2,0,1', spec)).toEqual([2, 0, 1])
    expect(parseOrder(' 3 , 1 ', spec)).toEqual([3, 1])
    expect(parseOrder('', spec)).toEqual([])
  })

  test.each([
    ['0,4', 'order: layer 4 does not exist; this model has layers 0 to 3'],
    ['1,2,1', 'order: layer 1 is named twice'],
    ['1,two', 'order: "two" is not a layer; write it like "2,0,1"'],
    ['1,,2', 'order: "" is not a layer; write it like "2,0,1"'],
    ['-1', 'order: "-1" is not a layer; write it like "2,0,1"'],
    ['1.5', 'order: "1.5" is not a layer; write it like "2,0,1"'],
  ])('"%s" is refused in one line', (text, message) => {
    expect(() => parseOrder(text, spec)).toThrow(message)
    expect(() => parseOrder(text, spec)).toThrow(ModelError)
  })

  test('of numbers is checked too', () => {
    for (const order of [[-1], [0.5], [Number.NaN], [0, 0]]) {
      expect(() => checkOrder(order, spec)).toThrow(ModelError)
    }
  })
})

describe('a forward pass', () => {
  test('runs as the first page of the package shows', async () => {
    const engine = createReferenceEngine(spec)
    for (const [part, file] of randomModel(spec, 1)) await engine.load(part, file)
    const images = randomTensor([2, 1, 28, 28], 2)
    const logits = await forward(engine, spec, images, publicParseOrder('2,0,3', spec))
    const probabilities = softmax(logits)
    expect(probabilities.shape).toEqual([2, 10])
    for (const row of rowsOf(probabilities)) {
      expect(row.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 6)
    }
    const again = await forward(engine, spec, images, [0, 2, 3])
    expect([...again.data]).not.toEqual([...logits.data])
  })

  test('refuses images of a wrong shape and orders of wrong layers before it computes', async () => {
    const engine = createReferenceEngine(spec)
    const images = randomTensor([1, 3, 28, 28], 2)
    await expect(forward(engine, spec, images, [])).rejects.toThrow(
      'the stem takes an input of shape [images, 1, 28, 28], got [1, 3, 28, 28]',
    )
    const right = randomTensor([1, 1, 28, 28], 2)
    await expect(forward(engine, spec, right, [4])).rejects.toMatchObject({ code: 'bad-order' })
    await expect(forward(engine, spec, right, [0])).rejects.toMatchObject({ code: 'not-loaded' })
  })

  test('has a best class, the first of equals', () => {
    expect(argmax([1, 3, 3, 2])).toBe(1)
  })

  test('gives softmax of large logits without overflow', () => {
    const logits = tensor([2, 2], Float32Array.from([1000, 1000, -1000, 0]))
    expect([...softmax(logits).data]).toEqual([0.5, 0.5, 0, 1])
  })
})

describe('the exact GELU', () => {
  test('has the values of the error function to 15 digits', () => {
    // Abramowitz and Stegun, table 7.1, and erf(3.5) from table 7.2.
    expect(erf(0)).toBe(0)
    expect(erf(0.5)).toBeCloseTo(0.5204998778130465, 14)
    expect(erf(1)).toBeCloseTo(0.8427007929497149, 14)
    expect(erf(-2)).toBeCloseTo(-0.9953222650189527, 14)
    expect(erf(3.5)).toBeCloseTo(0.9999992569016276, 14)
    expect(erf(5.999)).toBeCloseTo(1, 14)
    expect(erf(7)).toBe(1)
  })

  test('is x·Φ(x), not its tanh approximation', () => {
    expect(gelu(1)).toBeCloseTo(0.8413447460685429, 14)
    expect(gelu(-1)).toBeCloseTo(-0.15865525393145707, 14)
    expect(gelu(-40)).toBeCloseTo(0, 14)
  })
})
