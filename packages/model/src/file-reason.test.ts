import { expect, test } from 'vitest'
import { fileReason } from './file-reason.ts'

test.each([
  ['ENOSPC', 'no space is left on the device'],
  ['EROFS', 'the file system is read-only'],
  ['EEXIST', 'it is not a folder'],
  ['EIO', 'the system says EIO'],
])('%s means: %s', (code, reason) => {
  expect(fileReason(Object.assign(new Error(`${code}: mkdir '/x'`), { code }))).toBe(reason)
})

test('what is no error of the system is told as it is', () => {
  expect(fileReason('gone')).toBe('the system says gone')
})
