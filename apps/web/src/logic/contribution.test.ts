import { expect, test } from 'vitest'
import { createContribution } from './contribution.ts'

test('an image counts once, however many of its layers ran here', () => {
  const contribution = createContribution()
  for (const request of ['a', 'a', 'b', 'a']) contribution.served(request)
  expect(contribution.images).toBe(2)
})

test('what is remembered of past images is bounded', () => {
  const contribution = createContribution()
  contribution.served('first')
  for (let i = 0; i < 1_000; i++) contribution.served(`request ${i}`)
  contribution.served('first')
  expect(contribution.images).toBe(1_002)
})
