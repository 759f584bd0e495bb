import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const bin = fileURLToPath(new URL('../bin/layerswarm.js', import.meta.url))

/** Time to say goodbye before a process is killed. */
const GOODBYE_MS = 4_000

export interface ProviderNeeds {
  /** What it is called in the logs. */
  readonly name: string
  readonly join: URL
  /** The release to serve, by id. */
  readonly release: string
  /** Layers to host. */
  readonly capacity: number
  readonly engine: string
  log(line: string): void
}

/** A volunteer in an operating-system process of its own. */
export interface ProviderProcess {
  readonly name: string
  readonly pid: number | undefined
  isAlive(): boolean
  /** SIGKILL: gone without a goodbye, like a machine that loses its power. */
  kill(): void
  /** Asks it to leave, kills it when it does not. */
  stop(): Promise<void>
}

/**
 * Starts `layerswarm peer`. The child has an IPC channel only so that it ends when this process
 * does, however that happens.
 */
export function startProvider(
  needs: ProviderNeeds,
  exited: (line: string) => void,
): ProviderProcess {
  const { name, join, release, capacity, engine, log } = needs
  const words = ['peer', '--join', join.href, '--release', release]
  const child = spawn(
    process.execPath,
    [bin, ...words, '--capacity', String(capacity), '--engine', engine],
    { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] },
  )
  if (child.stderr !== null) {
    createInterface({ input: child.stderr }).on('line', (line) => log(`${name}: ${line}`))
  }
  const ended = new Promise<void>((resolve) => {
    child.once('error', () => resolve())
    child.once('close', () => resolve())
  })
  let expected = false
  child.once('error', (error) => exited(`${name} did not start: ${error.message}`))
  child.once('exit', (code, signal) => {
    // A volunteer that was asked to leave, by ctrl-c in the same terminal, ends with 0.
    if (!expected && code !== 0) exited(`${name} ended (${signal ?? `exit code ${code}`})`)
  })
  return {
    name,
    pid: child.pid,
    isAlive: () => isAlive(child),
    kill() {
      expected = true
      child.kill('SIGKILL')
    },
    async stop() {
      expected = true
      if (isAlive(child)) child.kill('SIGTERM')
      const killer = setTimeout(() => child.kill('SIGKILL'), GOODBYE_MS)
      await ended
      clearTimeout(killer)
    },
  }
}

function isAlive({ exitCode, signalCode, pid }: ChildProcess): boolean {
  return pid !== undefined && exitCode === null && signalCode === null
}
