/**
 * Runs async jobs one at a time, in the order in which they came, urgent ones before all others that have not
 * begun; a failed job does not stop the rest.
 */
export type Queue = <T>(job: () => Promise<T>, isUrgent?: boolean) => Promise<T>

/** A queue without jobs. */
export function createQueue(): Queue {
  const urgent: (() => Promise<void>)[] = []
  const others: (() => Promise<void>)[] = []
  let isRunning = false

  async function runAll(): Promise<void> {
    if (isRunning) return
    isRunning = true
    // A turn later, so that what is asked for in one go is sorted first.
    await Promise.resolve()
    for (let next = urgent.shift() ?? others.shift(); next !== undefined; ) {
      await next()
      next = urgent.shift() ?? others.shift()
    }
    isRunning = false
  }

  return (job, isUrgent = false) =>
    new Promise((resolve, reject) => {
      const run = () => Promise.resolve().then(job).then(resolve, reject)
      if (isUrgent) urgent.push(run)
      else others.push(run)
      void runAll()
    })
}
