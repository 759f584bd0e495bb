import { expect, test } from 'vitest'
import { ModelError } from './errors.ts'
import { ERROR_LINE_CHARS_MAX } from './limits.ts'

const messageOf = (quoted: string) =>
  new ModelError({ code: 'bad-idx' }, `"${quoted}" is none`).message

test('an error is told in one line, whatever it quotes', () => {
  expect(messageOf('a\r\n b')).toBe('"a b" is none')
  expect(messageOf('a\u2028b\u0085c')).toBe('"a b c" is none')
})

test('an error steers no terminal', () => {
  expect(messageOf('\u001b[31mred\u0007')).toBe('" [31mred " is none')
})

test('an error ends somewhere', () => {
  const message = messageOf('x'.repeat(10 * ERROR_LINE_CHARS_MAX))
  expect(message).toHaveLength(ERROR_LINE_CHARS_MAX + 1)
  expect(message.endsWith('…')).toBe(true)
})

test('what nobody would cut is left as it is', () => {
  expect(messageOf('  müßig 💥 «a»  ')).toBe('"  müßig 💥 «a»  " is none')
})
