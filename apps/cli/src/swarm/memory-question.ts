import type { ChildProcess } from 'node:child_process'
import { setImmediate as nextTurn } from 'node:timers/promises'

/** What a process says of its memory, in bytes. */
export interface MemoryUse {
  /** All that the system has given it, as it was when it was asked. */
  readonly rssBytes: number
  /** The main thread's heap, after a garbage collection where Node runs with --expose-gc. */
  readonly heapUsedBytes: number
  /** Buffers of the main thread outside that heap, after the same collection. */
  readonly buffersBytes: number
}

const QUESTION = 'memory?'

/** Answers whoever started this process with an IPC channel; without one nobody asks. */
export function answerMemoryQuestions(): void {
  if (!process.channel) return
  process.on('message', (message) => {
    if (message === QUESTION) measure().then((use) => process.send?.({ memory: use }), noReader)
  })
}

async function measure(): Promise<MemoryUse> {
  const { rss: rssBytes } = process.memoryUsage()
  globalThis.gc?.()
  // What the first collection let go of by a finalizer is only freed by the next.
  await nextTurn()
  globalThis.gc?.()
  const { heapUsed, external } = process.memoryUsage()
  return { rssBytes, heapUsedBytes: heapUsed, buffersBytes: external }
}

/** The asker is gone, and with it this process ends. */
function noReader(): void {}

/** Asks a child that answers memory questions. @throws Error when it ends before it has answered. */
export function askMemory(child: ChildProcess): Promise<MemoryUse> {
  return new Promise((resolve, reject) => {
    const heard = (message: unknown): void => {
      const use = parseAnswer(message)
      if (use === undefined) return
      stopListening()
      resolve(use)
    }
    const gone = (): void => {
      stopListening()
      reject(new Error('the process ended before it said what memory it uses'))
    }
    const stopListening = (): void => {
      child.off('message', heard)
      child.off('exit', gone)
    }
    child.on('message', heard)
    child.on('exit', gone)
    if (child.exitCode !== null || child.signalCode !== null) gone()
    else child.send(QUESTION)
  })
}

function parseAnswer(message: unknown): MemoryUse | undefined {
  if (typeof message !== 'object' || message === null || !('memory' in message)) return undefined
  const { memory } = message
  if (typeof memory !== 'object' || memory === null) return undefined
  const bytes = new Map<string, unknown>(Object.entries(memory))
  const [rssBytes, heapUsedBytes, buffersBytes] = ['rssBytes', 'heapUsedBytes', 'buffersBytes'].map(
    (field) => bytes.get(field),
  )
  if (typeof rssBytes !== 'number' || typeof heapUsedBytes !== 'number') return undefined
  return typeof buffersBytes === 'number' ? { rssBytes, heapUsedBytes, buffersBytes } : undefined
}
