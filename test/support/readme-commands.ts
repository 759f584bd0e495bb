import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'
import { runCommand } from './run-command.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Checks what a command of the README shows; the line is as printed there. */
export type CommandCheck = (line: string) => Promise<void>

/** The commands that the README shows, as printed: those that need a swarm, or all others. */
export async function readmeCommands(which: 'in a swarm' | 'alone'): Promise<string[]> {
  const text = await readFile(join(root, 'README.md'), 'utf8')
  const shown = [...text.matchAll(/^(npx layerswarm [^#\n]*)/gm)].map(([, line = '']) =>
    line.trim(),
  )
  const needsSwarm = (line: string) => / --join | demo /.test(line)
  return shown.filter((line) => needsSwarm(line) === (which === 'in a swarm')).toSorted()
}

/**
 * Runs a command of the README and expects success.
 * @param places what stands for a word of the line: where a server is, or where files are made.
 * @returns what it printed.
 */
export async function runReadmeCommand(
  line: string,
  places: Readonly<Record<string, string>> = {},
): Promise<string> {
  const isShipped = (word: string) => /^models\/(fashion|samples)/.test(word)
  const words = line
    .split(' ')
    .slice(2)
    .map((word) => places[word] ?? (isShipped(word) ? join(root, word) : word))
  const { code, stdout, stderr } = await runCommand(...words)
  expect(code, stderr).toBe(0)
  return stdout
}
