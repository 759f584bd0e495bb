import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { canonicalJson, type Json } from './canonical-json.ts'

/** How releases were named before RFC 8785 was followed to the letter: the ids must not change. */
function plainly(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(plainly).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const fields = Object.entries(value)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, field]) => `${JSON.stringify(key)}:${plainly(field)}`)
  return `{${fields.join(',')}}`
}

describe('canonical JSON', () => {
  test('is that of RFC 8785, section 3.2.2, for literals, numbers and texts', () => {
    const source =
      '{"numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],' +
      '"string": "\\u20ac$\\u000F\\u000aA\'\\u0042\\u0022\\u005c\\\\\\"\\/",' +
      '"literals": [null, true, false]}'
    expect(canonicalJson(JSON.parse(source))).toBe(
      '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],' +
        '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
    )
  })

  test('sorts keys by their UTF-16 units, RFC 8785, section 3.2.3, at every depth', () => {
    const keys = ['\r', '1', '\u0080', '\u00f6', '\u20ac', '\ud83d\ude00', '\ufb33']
    const value = Object.fromEntries(keys.toReversed().map((key) => [key, { b: 1, a: [] }]))
    expect(Object.keys(JSON.parse(canonicalJson(value))).filter((key) => key !== '1')).toEqual(
      keys.filter((key) => key !== '1'),
    )
    expect(canonicalJson({ [keys[1] as string]: { b: 1, a: [] }, '\r': 0 })).toBe(
      '{"\\r":0,"1":{"a":[],"b":1}}',
    )
  })

  test('writes numbers as RFC 8785, appendix B', () => {
    const numbers: [number, string][] = [
      [-0, '0'],
      [5e-324, '5e-324'],
      [1.7976931348623157e308, '1.7976931348623157e+308'],
      [9007199254740992, '9007199254740992'],
      [295147905179352830000, '295147905179352830000'],
      [9.999999999999997e22, '9.999999999999997e+22'],
      [1e23, '1e+23'],
      [999999999999999900000, '999999999999999900000'],
      [1e21, '1e+21'],
      [9.999999999999997e-7, '9.999999999999997e-7'],
      [0.000001, '0.000001'],
      [333333333.3333332, '333333333.3333332'],
    ]
    for (const [number, text] of numbers) expect(canonicalJson(number)).toBe(text)
  })

  test('refuses what the RFC gives no text', () => {
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, '\ud800', { '\udc00': 1 }]) {
      expect(() => canonicalJson([value])).toThrow(RangeError)
    }
  })

  test('is for all other values the text that named releases before', () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: 'binary' }), (value) => {
        const json = JSON.parse(JSON.stringify(value)) as Json
        expect(canonicalJson(json)).toBe(plainly(json))
      }),
    )
  })

  test('is the same text again after a round trip', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = canonicalJson(JSON.parse(JSON.stringify(value)))
        expect(canonicalJson(JSON.parse(text))).toBe(text)
      }),
    )
  })
})
