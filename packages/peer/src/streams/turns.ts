import { onAbort } from '../deadline.ts'

/** Lets at most some callers per name proceed at once; the others wait in line. */
export interface Turns {
  /** Resolves when it is the caller's turn. @throws the signal's reason. */
  take(name: string, signal: AbortSignal): Promise<void>
  /** Ends a turn that was taken. */
  give(name: string): void
}

/** @param atOnceMax callers per name that may proceed at once. */
export function createTurns(atOnceMax: number): Turns {
  const taken = new Map<string, number>()
  const lines = new Map<string, (() => void)[]>()

  function leave(name: string, proceed: () => void): void {
    const rest = lines.get(name)?.filter((other) => other !== proceed) ?? []
    if (rest.length > 0) lines.set(name, rest)
    else lines.delete(name)
  }

  return {
    async take(name, signal) {
      signal.throwIfAborted()
      const count = taken.get(name) ?? 0
      if (count < atOnceMax) {
        taken.set(name, count + 1)
        return
      }
      await new Promise<void>((resolve, reject) => {
        const giveUp = () => {
          leave(name, proceed)
          reject(signal.reason)
        }
        const proceed = () => {
          unfollow()
          resolve()
        }
        lines.set(name, [...(lines.get(name) ?? []), proceed])
        const unfollow = onAbort(signal, giveUp)
      })
    },
    give(name) {
      const [next] = lines.get(name) ?? []
      if (next !== undefined) {
        // The turn goes straight to the next in line, so nobody can slip in between.
        leave(name, next)
        next()
        return
      }
      const count = (taken.get(name) ?? 1) - 1
      if (count > 0) taken.set(name, count)
      else taken.delete(name)
    },
  }
}
