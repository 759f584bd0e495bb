import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const bin = fileURLToPath(new URL('../../apps/cli/bin/layerswarm.js', import.meta.url))

/** Longest run of one command on a slow and busy machine. */
const RUN_MS_MAX = 240_000

export interface Finished {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

type Environment = Readonly<Record<string, string>>

/** Starts the built command as its own process; the caller ends it. */
export function startCommand(...words: string[]): ChildProcess {
  return startCommandIn({}, words)
}

/** The same, with environment variables beside those of this process. */
export function startCommandIn(environment: Environment, words: readonly string[]): ChildProcess {
  const env = { ...process.env, ...environment }
  return spawn(process.execPath, [bin, ...words], { stdio: ['ignore', 'pipe', 'pipe'], env })
}

interface Started {
  readonly child: ChildProcess
  /** What was printed so far. */
  readonly output: { stdout: string; stderr: string }
  readonly ended: Promise<number | null>
}

function start(words: readonly string[], environment: Environment = {}): Started {
  const child = startCommandIn(environment, words)
  const output = { stdout: '', stderr: '' }
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    output.stdout += text
  })
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    output.stderr += text
  })
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => resolve(code))
  })
  return { child, output, ended }
}

/** Runs the built command to its end. */
export function runCommand(...words: string[]): Promise<Finished> {
  return runCommandIn({}, ...words)
}

/** The same, with environment variables beside those of this process. */
export async function runCommandIn(
  environment: Environment,
  ...words: string[]
): Promise<Finished> {
  const { child, output, ended } = start(words, environment)
  const killer = setTimeout(() => child.kill('SIGKILL'), RUN_MS_MAX)
  const code = await ended
  clearTimeout(killer)
  return { code, ...output }
}

/** A swarm that `up` started. */
export interface RunningSwarm {
  readonly url: string
  /** The same with the key of a private swarm, where it has one. */
  readonly link: string
  /** Where others can join. */
  readonly urls: readonly string[]
  /** Process ids of the volunteers. */
  readonly volunteers: readonly number[]
  /** @returns the exit code, null when it was killed. */
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | null>
}

/** Runs `up` with these flags and waits until it says that it is ready. */
export function startSwarm(...flags: string[]): Promise<RunningSwarm> {
  return startService('up', ...flags)
}

/** Runs `up` or `signaling` and waits until it says that it is ready. */
export async function startService(...words: string[]): Promise<RunningSwarm> {
  const { child, output, ended } = start([...words, '--json'])
  const document = new Promise<string>((resolve) => {
    child.stdout?.on('data', () => {
      if (output.stdout.includes('\n')) resolve(output.stdout)
    })
  })
  const failed = ended.then((code) => {
    throw new Error(`${words[0]} ended with ${code}: ${output.stderr}`)
  })
  const {
    ready,
    link = ready,
    urls = [],
    pids = [],
  } = JSON.parse(await Promise.race([document, failed])) as {
    ready: string
    link?: string
    urls?: string[]
    pids?: number[]
  }
  return {
    url: ready,
    link,
    urls,
    volunteers: pids,
    end(signal) {
      failed.catch(() => undefined)
      child.kill(signal)
      return ended
    },
  }
}
