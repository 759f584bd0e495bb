import { tmpdir } from 'node:os'
import { expect, test } from 'vitest'
import { requireFile } from './files.ts'

test.each([
  ['', 'an empty name is no file'],
  ['no such file.png', 'no such file.png does not exist'],
  [
    'https://a.example/b.png',
    'https://a.example/b.png is an address; download it and name the file',
  ],
  ['file:///b.png', 'file:///b.png is an address; name the file by its path'],
  [tmpdir(), `${tmpdir()} is not a file`],
])('%j is no file that can be read, and says why', async (path, line) => {
  await expect(requireFile(path, 1)).rejects.toThrow(line)
})
