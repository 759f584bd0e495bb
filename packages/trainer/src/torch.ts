import { spawn, spawnSync } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { TrainerError } from './errors.ts'

const SCRIPT = fileURLToPath(new URL('../scripts/vit_torch.py', import.meta.url))
/** The first may belong to a version manager that does not see the packages of the system. */
const PYTHONS = ['python3', '/usr/bin/python3']

/** PyTorch in a process of its own, to compare with; requests stand in vit_torch.py. */
export interface Torch {
  /** One request at a time. @returns the parsed answer. */
  ask(request: Readonly<Record<string, unknown>>): Promise<Readonly<Record<string, unknown>>>
  close(): Promise<void>
}

/**
 * Starts PyTorch, undefined where no python3 of this machine has it.
 * @param threads that it may use, its BLAS included; they wait without spinning, as ours do.
 */
export async function openTorch(threads: number): Promise<Torch | undefined> {
  const python = PYTHONS.find(
    (command) => spawnSync(command, ['-c', 'import torch'], { stdio: 'ignore' }).status === 0,
  )
  if (python === undefined) return undefined
  const env = {
    ...process.env,
    OMP_NUM_THREADS: String(threads),
    OPENBLAS_NUM_THREADS: String(threads),
    OMP_WAIT_POLICY: 'PASSIVE',
  }
  const child = spawn(python, [SCRIPT], { stdio: ['pipe', 'pipe', 'pipe'], env })
  let complaint = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(-2000)
  })
  child.stdin.on('error', () => undefined) // the end of the output tells of it
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  return {
    async ask(request) {
      child.stdin.write(`${JSON.stringify(request)}\n`)
      const { done, value } = await lines.next()
      const answer: unknown = done === true ? undefined : JSON.parse(value)
      if (typeof answer === 'object' && answer !== null) return { ...answer }
      const reason = complaint.trim().split('\n').at(-1) ?? 'no reason given'
      throw new TrainerError({ code: 'torch-failed' }, `PyTorch ended without an answer: ${reason}`)
    },
    async close() {
      child.stdin.end()
      await ended
    },
  }
}
