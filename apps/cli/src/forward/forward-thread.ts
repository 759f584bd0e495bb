import { Worker } from 'node:worker_threads'
import { CodedError } from '@layerswarm/model'
import { exitDoor } from '@layerswarm/peer/node'
import type { ForwardJob, ForwardNews, ForwardResult, ForwardThread } from './forward-job.ts'

/** What went wrong in the thread, with the code that it had there. */
class ForwardError extends CodedError<{ readonly code: string }> {
  override readonly name = 'ForwardError'
}

/**
 * Runs a forward pass in a thread of its own: a layer may take seconds, in which this thread would
 * not hear ctrl-c.
 * @throws what the engine throws, with its code; `interrupted` by the signal.
 */
export function runForward(job: ForwardJob, signal: AbortSignal): Promise<ForwardResult> {
  const { door, forget } = exitDoor(job.engine)
  const thread = new Worker(new URL('./forward.worker.js', import.meta.url), {
    name: 'layerswarm-forward',
    workerData: { job, door } satisfies ForwardThread,
    execArgv: [],
  })
  thread.once('exit', forget)
  let stop = () => {}
  return new Promise<ForwardResult>((resolve, reject) => {
    const interrupted = () => reject(new ForwardError({ code: 'interrupted' }, 'interrupted'))
    stop = () => {
      interrupted()
      // Native code that is ended where it stands aborts the process; the exit waits for it.
      if (door === undefined) void thread.terminate()
      else thread.unref()
    }
    signal.addEventListener('abort', stop, { once: true })
    if (signal.aborted) stop()
    thread.once('message', (news: ForwardNews) => {
      if ('result' in news) resolve(news.result)
      else reject(new ForwardError({ code: news.failed.code }, news.failed.message))
    })
    thread.once('error', reject)
    thread.once('exit', interrupted)
  }).finally(() => signal.removeEventListener('abort', stop))
}
