import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'vitest'
import { grayPng } from './pictures.ts'
import { type Finished, runCommand } from './run-command.ts'

/** Runs a command that succeeds and gives its document. */
export async function run<T>(...words: string[]): Promise<T> {
  const { code, stdout, stderr } = await runCommand(...words, '--json')
  expect(code, stderr).toBe(0)
  return JSON.parse(stdout) as T
}

/** Runs a command that fails with one line, and gives that. */
export async function refusal(exit: 1 | 2, ...words: string[]): Promise<string> {
  const { code, stderr }: Finished = await runCommand(...words)
  expect(code, stderr).toBe(exit)
  expect(stderr.trimEnd().split('\n')).toHaveLength(1)
  return stderr
}

/** So many grey pictures in a folder. */
export async function writePictures(folder: string, count: number): Promise<void> {
  await mkdir(folder, { recursive: true })
  const png = await grayPng()
  for (let i = 0; i < count; i++) await writeFile(join(folder, `${i}.png`), png)
}
