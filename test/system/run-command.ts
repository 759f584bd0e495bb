import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const bin = fileURLToPath(new URL('../../apps/cli/bin/layerswarm.js', import.meta.url))

export interface Finished {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Starts the built command as its own process; the caller ends it. */
export function startCommand(...words: string[]): ChildProcess {
  return spawn(process.execPath, [bin, ...words], { stdio: ['ignore', 'pipe', 'pipe'] })
}

/** Runs the built command to its end, at most a minute long. */
export function runCommand(...words: string[]): Promise<Finished> {
  const child = startCommand(...words)
  const killer = setTimeout(() => child.kill('SIGKILL'), 60_000)
  let stdout = ''
  let stderr = ''
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => {
      clearTimeout(killer)
      resolve({ code, stdout, stderr })
    })
  })
}
