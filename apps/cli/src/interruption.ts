import { INTERRUPTED_EXIT_CODE, INTERRUPTED_MS_MAX } from './limits.ts'

/** The process, as far as it is told to end. */
export interface InterruptedProcess {
  on(signal: 'SIGINT' | 'SIGTERM', handler: () => void): void
  exit(code: number): void
  /** Says that a command ends before it is done. */
  cutOff(): void
}

/** How a process ends that is asked to. */
export interface Interruption {
  /** Aborted when it is asked to. */
  readonly signal: AbortSignal
  /** The exit code of a command that ended with this one. */
  exitCode(code: number): number
}

/**
 * Hears SIGINT and SIGTERM. After ctrl-c a command has a moment to end with what there is; then, or
 * when it is asked twice, the process ends where it stands, but for native code (`exitDoor`).
 * @param lingers the command ends by itself soon, and must not be cut off: it writes what it did.
 */
export function hearInterruption(process: InterruptedProcess, lingers: boolean): Interruption {
  const controller = new AbortController()
  const { signal } = controller
  let isInterrupted = false
  function cutOff(): void {
    process.cutOff()
    process.exit(INTERRUPTED_EXIT_CODE)
  }
  process.on('SIGINT', () => {
    if (signal.aborted) return cutOff()
    isInterrupted = true
    controller.abort()
    if (!lingers) setTimeout(cutOff, INTERRUPTED_MS_MAX).unref()
  })
  process.on('SIGTERM', () => {
    if (signal.aborted) return process.exit(isInterrupted ? INTERRUPTED_EXIT_CODE : 1)
    controller.abort()
  })
  return { signal, exitCode: (code) => (isInterrupted ? INTERRUPTED_EXIT_CODE : code) }
}
