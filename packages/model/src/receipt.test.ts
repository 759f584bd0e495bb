import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { randomModel, randomTensor } from './random-model.ts'
import { parseReceipt, RECEIPT_FORMAT, type Receipt, receiptText, replayRun } from './receipt.ts'
import { createReferenceEngine } from './reference.ts'
import { parseModelSpec, partsOf } from './spec.ts'

const spec = parseModelSpec({
  variant: 'shuffle',
  imageSize: 8,
  patchSize: 4,
  channels: 1,
  width: 8,
  layers: 3,
  heads: 2,
  mlpWidth: 16,
  classes: 2,
  layerNormEps: 1e-6,
})

const hop = (layer: number) => ({ layer, peer: '12D3KooWabc', backend: 'ort-wasm', ms: 1.5 })

const receipt: Receipt = {
  format: RECEIPT_FORMAT,
  release: 'ab'.repeat(32) as Receipt['release'],
  name: 'tiny-vit',
  createdAt: '2026-11-24T04:05:06.789Z',
  wireDtype: 'float16',
  image: randomTensor([1, 1, 8, 8], 3),
  runs: [
    {
      route: [hop(2), { ...hop(0), weights: 'cd'.repeat(32) }],
      missingLayers: [1],
      logits: [0.25, -1],
      probabilities: [0.78, 0.22],
      totalMs: 12,
    },
  ],
}

/** The receipt as untrusted JSON, with some fields replaced. */
function altered(fields: Readonly<Record<string, unknown>>): unknown {
  return { ...JSON.parse(receiptText(receipt)), ...fields }
}

async function loadedEngine() {
  const engine = createReferenceEngine(spec)
  const files = randomModel(spec, 1)
  for (const part of partsOf(spec)) await engine.load(part, files.get(part) as Uint8Array)
  return engine
}

describe('a receipt', () => {
  test('written and read again is the same, the image to the last bit', () => {
    expect(parseReceipt(JSON.parse(receiptText(receipt)))).toEqual(receipt)
  })

  test.each([
    ['another format', { format: 'other' }, /"format" must be/],
    ['a release that is no hash', { release: 'x' }, /"release"/],
    ['a name with markup', { name: '<b>' }, /"name"/],
    ['no runs', { runs: [] }, /"runs" must be a list of 1 to 64/],
    ['a run that is no object', { runs: [null] }, /"runs\[0\]" must be an object/],
    [
      'a layer of a release that is no hash',
      { runs: [{ ...receipt.runs[0], route: [{ ...hop(0), weights: 'x' }] }] },
      /"runs\[0\].route\[0\].weights"/,
    ],
    ['an unknown dtype', { wireDtype: 'float8' }, /"wireDtype" must be one of/],
    ['an image that is no image', { image: { shape: [1, 2] } }, /"image.shape"/],
    [
      'an image that was changed',
      { image: { shape: [1, 1, 1, 1], sha256: 'ab'.repeat(32), hex: '00000000' } },
      /has hash/,
    ],
  ])('with %s is refused in one line that names the field', (_what, fields, line) => {
    expect(() => parseReceipt(altered(fields))).toThrow(line)
  })

  test('of any content is parsed or refused with a ModelError', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom(...Object.keys(receipt)), (value, field) => {
        try {
          parseReceipt(altered({ [field]: value }))
        } catch (error) {
          expect(error).toHaveProperty('name', 'ModelError')
        }
      }),
    )
  })
})

describe('the rounds of a receipt', () => {
  const [run] = receipt.runs
  const text = (rounds: unknown) =>
    JSON.parse(receiptText({ ...receipt, runs: [{ ...run, rounds } as never] }))

  test('are read as they were written, and absent where there were none', () => {
    const rounds = [run?.route.length ?? 0]
    expect(parseReceipt(text(rounds)).runs[0]?.rounds).toEqual(rounds)
    expect(parseReceipt(text([])).runs[0]).not.toHaveProperty('rounds')
  })

  test.each([
    [[9], 'must be of the'],
    [[0.5], 'must be whole numbers above 0'],
    ['2', 'must be a list'],
  ])('%j are refused', (rounds, line) => {
    expect(() => parseReceipt(text(rounds))).toThrow(line)
  })
})

describe('replaying a run', () => {
  test('gives the same logits every time, and others in another order', async () => {
    const engine = await loadedEngine()
    const once = await replayRun(engine, spec, receipt, [2, 0])
    expect(await replayRun(engine, spec, receipt, [2, 0])).toEqual(once)
    expect(await replayRun(engine, spec, receipt, [0, 2])).not.toEqual(once)
  })

  test('of rounds has all layers of a round on one input: their order does not matter, the rounds do', async () => {
    const engine = await loadedEngine()
    const together = await replayRun(engine, spec, receipt, [2, 0, 1], [2, 1])
    const swapped = await replayRun(engine, spec, receipt, [0, 2, 1], [2, 1])
    swapped.forEach((logit, i) => {
      expect(logit).toBeCloseTo(together[i] as number, 2)
    })
    const one = await replayRun(engine, spec, receipt, [2, 0, 1])
    expect(together).not.toEqual(one)
    expect(await replayRun(engine, spec, receipt, [2, 0, 1], [1, 1, 1])).toEqual(one)
  })

  test('refuses a layer that the model does not have', async () => {
    await expect(replayRun(await loadedEngine(), spec, receipt, [7])).rejects.toThrow(
      'layer 7 does not exist',
    )
  })
})
