import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { PeerOptions, PolicyName } from '@layerswarm/peer'
import type { SwarmKey } from '@layerswarm/swarm'
import { GOODBYE_MS_MAX, INTERRUPTED_EXIT_CODE } from '../limits.ts'
import { askMemory, type MemoryUse } from './memory-question.ts'

const bin = fileURLToPath(new URL('../../bin/layerswarm.js', import.meta.url))

/** What a volunteer's process is told on its command line. */
export interface ProviderNeeds {
  /** What it is called in the logs. */
  readonly name: string
  readonly join: URL
  /** Of a private swarm; told by standard input, since others of a machine can read command lines. */
  readonly swarmKey?: SwarmKey | undefined
  /** The release to serve, by id. */
  readonly release: string
  /** How many layers to host, or which. */
  readonly layers: number | readonly number[]
  readonly engine: string
  /** Which files of its layers it loads; `auto` unless given. */
  readonly layerFiles?: PeerOptions['layerFiles']
  readonly policy: PolicyName
  /** Address that it listens on; that of loopback unless given. */
  readonly host?: string
  /** Whether it speaks WebRTC: not where all peers are processes of this machine. */
  readonly webrtc: boolean
  /** Flags for Node itself, before the command. */
  readonly nodeFlags?: readonly string[]
  log(line: string): void
}

/** A volunteer in an operating-system process of its own. */
export interface ProviderProcess {
  readonly name: string
  readonly pid: number | undefined
  isAlive(): boolean
  /** Asks it what memory it uses. @throws Error when it ends before it has answered. */
  memory(): Promise<MemoryUse>
  /** SIGKILL: gone without a goodbye, like a machine that loses its power. */
  kill(): void
  /** Asks it to leave, kills it when it does not. */
  stop(): Promise<void>
}

/**
 * Starts `layerswarm peer`. By its IPC channel the child ends when this process does, however that
 * happens, and says what memory it uses.
 */
export function startProvider(
  needs: ProviderNeeds,
  exited: (line: string) => void,
): ProviderProcess {
  const { name, join, swarmKey, release, layers, engine, policy, host, webrtc, log } = needs
  const { nodeFlags = [], layerFiles } = needs
  const which = typeof layers === 'number' ? '--capacity' : '--layers'
  const words = ['peer', '--join', join.href, '--release', release, which, String(layers)]
  const at = host === undefined ? [] : ['--host', host]
  const over = webrtc ? [] : ['--no-webrtc']
  const as = swarmKey === undefined ? [] : ['--swarm-key', '-']
  const kinds = layerFiles === undefined ? [] : ['--layer-files', layerFiles]
  const how = ['--engine', engine, ...kinds, '--policy', policy, ...at, ...over, ...as]
  const child = spawn(process.execPath, [...nodeFlags, bin, ...words, ...how], {
    stdio: [swarmKey === undefined ? 'ignore' : 'pipe', 'ignore', 'pipe', 'ipc'],
  })
  // It may have ended by then, which is told below.
  child.stdin?.once('error', () => undefined).end(swarmKey)
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
    // Ctrl-c in the same terminal asks volunteers too.
    if (!expected && code !== 0 && code !== INTERRUPTED_EXIT_CODE)
      exited(`${name} ended (${signal ?? `exit code ${code}`})`)
  })
  return {
    name,
    pid: child.pid,
    isAlive: () => isAlive(child),
    memory: () => askMemory(child),
    kill() {
      expected = true
      child.kill('SIGKILL')
    },
    async stop() {
      expected = true
      if (isAlive(child)) child.kill('SIGTERM')
      const killer = setTimeout(() => child.kill('SIGKILL'), GOODBYE_MS_MAX)
      await ended
      clearTimeout(killer)
    },
  }
}

function isAlive({ exitCode, signalCode, pid }: ChildProcess): boolean {
  return pid !== undefined && exitCode === null && signalCode === null
}
