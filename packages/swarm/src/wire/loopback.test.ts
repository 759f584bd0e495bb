import { expect, test } from 'vitest'
import { isLoopback } from './loopback.ts'

test.each([
  'localhost',
  '127.0.0.1',
  '127.1.2.3',
  '::1',
  '[::1]',
  '::ffff:127.0.0.1',
  // As `URL` writes it.
  '[::ffff:7f00:1]',
])('%s is this machine', (host) => {
  expect(isLoopback(host)).toBe(true)
})

test.each([
  '',
  '0.0.0.0',
  '::',
  '192.168.1.5',
  '128.0.0.1',
  'localhost.example',
  '127.0.0.1.example',
  '[::2]',
])('"%s" is another, or every one', (host) => {
  expect(isLoopback(host)).toBe(false)
})
