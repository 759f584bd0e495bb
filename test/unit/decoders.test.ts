import { expect, test } from 'vitest'
import { CASES_SHORT } from '../fuzz/limits.ts'
import { checkProperties } from '../fuzz/properties.ts'
import { shareOf } from '../fuzz/target.ts'
import { TARGETS } from '../fuzz/targets.ts'

test.each(TARGETS)('$name reads a value or refuses, whatever comes', async (target) => {
  const cases = Math.max(20, CASES_SHORT * Math.min(1, 5 * shareOf(target)))
  await checkProperties(target, { cases, seed: 1 })
  expect(target.covers.length).toBeGreaterThan(0)
})
