import { PeerError } from '../errors.ts'
import type { Reply } from './compute-api.ts'
import { LINE_CHARS_MAX } from './limits.ts'

/** @throws PeerError `compute-failed` for a refusal. */
export function resultOf<T>(reply: Reply<T>): T {
  if ('refused' in reply) throw computeError(reply.refused)
  return reply.result
}

/** The error of a call that failed for this one line of reason. */
export function computeError(reason: string): PeerError {
  return new PeerError({ code: 'compute-failed', reason }, reason)
}

/** The error of every call to a compute that was closed. */
export function closedError(): PeerError {
  return computeError('the compute worker is closed')
}

/** The one line that an error shows to people. */
export function lineOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  const line = text.split('\n', 1)[0] ?? text
  return line.length <= LINE_CHARS_MAX ? line : `${line.slice(0, LINE_CHARS_MAX - 1)}…`
}

/**
 * Whether an engine failed for want of memory. The runtimes have no error class for it: V8 says
 * "Array buffer allocation failed", WebAssembly "out of memory" or "std::bad_alloc" or traps beyond
 * its memory, WebGPU "Out of memory" or "not enough memory left".
 */
export function isOutOfMemory(line: string): boolean {
  return /out of memory|not enough memory|allocation failed|bad_alloc|memory access out of bounds/i.test(
    line,
  )
}
