/** Runs async jobs one at a time, in the order in which they came; a failed job does not stop the rest. */
export type Queue = <T>(job: () => Promise<T>) => Promise<T>

/** A queue without jobs. */
export function createQueue(): Queue {
  let last: Promise<unknown> = Promise.resolve()
  return (job) => {
    const result = last.then(job)
    last = result.catch(() => undefined)
    return result
  }
}
