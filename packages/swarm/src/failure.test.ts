import { describe, expect, test } from 'vitest'
import { failureLine } from './failure.ts'

describe('a request that ends with too few layers', () => {
  const missing = { what: 'hosts', layers: [7] } as const
  const fewer = (applied: number, wanted: number) =>
    failureLine({ code: 'too-few-layers', applied, wanted, missing })

  test('says how many there are, and that fewer may be asked for', () => {
    expect(fewer(1, 8)).toMatch(/only 1 layer could be applied and at least 8 were asked for: .*7;/)
    expect(fewer(3, 8)).toMatch(/only 3 layers could .*, or ask for fewer layers$/)
  })

  test('is not told to ask for fewer than one', () => {
    expect(fewer(0, 1)).toBe(
      'no answer: no layer could be applied: nobody is known who hosts layer 7; start a peer that does (`layerswarm peer --join URL --layers 7`)',
    )
  })
})
