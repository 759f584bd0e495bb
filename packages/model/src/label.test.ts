import { expect, test } from 'vitest'
import { labelFault } from './label.ts'

test.each([
  'cat',
  'Tasche ✓',
  '😀',
  'great white shark, white shark',
  ' ',
  '\u00a0',
  'x'.repeat(256),
])('a class may be called %j', (label) => {
  expect(labelFault(label)).toBeUndefined()
})

test.each([
  ['', /^must be a text of 1 to 256 letters$/],
  ['x'.repeat(257), /1 to 256 letters/],
  [7, /must be a text/],
  ['\ud83d', /half a surrogate pair/],
  ['a\nb', /control character/],
  ['\u0000', /control character/],
  ['\u001b[31m', /control character/],
  ['\u007f', /control character/],
  ['\u009b31m', /control character/],
])('a class may not be called %j', (label, fault) => {
  expect(labelFault(label)).toMatch(fault)
})
