import { mkdir } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { describeError } from './cli-error.ts'

test('an error is one line without control characters, whoever wrote it', () => {
  const error = new Error('the server says "\u001b]0;title\u0007"\r\n  at line 2')
  expect(describeError(error).message).toBe('the server says " ]0;title " at line 2')
  expect(describeError('\u001b[31mred').message).toBe('[31mred')
})

test('a file where a folder should be is named in words', async () => {
  const here = fileURLToPath(import.meta.url)
  const error: unknown = await mkdir(here).catch((thrown: unknown) => thrown)
  expect(describeError(error).message).toBe(`${here} is there already, and is no folder`)
})
