import { Worker } from 'node:worker_threads'
import type { FuzzReport } from '@layerswarm/lab'
import { CliError, usageError } from '../cli-error.ts'
import { HEAP_MB_MAX, YOUNG_MB_MAX } from './limits.ts'
import type { SimulationJob, SimulationNews, SimulationResults } from './simulation-job.ts'

/** How a simulation is stopped, and where its progress goes. */
export interface SimulationWatch {
  /** Ends the simulation wherever it is. */
  readonly signal: AbortSignal
  progress(text: string): void
}

/**
 * Simulates in a thread of its own, so that this one still hears ctrl-c; a search for a broken promise gives
 * then what it has found.
 * @throws CliError `bad-usage` for an unknown scenario, policy or setting, `interrupted` by the signal.
 */
export function runSimulation<K extends SimulationJob['kind']>(
  job: SimulationJob & { readonly kind: K },
  { signal, progress }: SimulationWatch,
): Promise<SimulationResults[K]> {
  const thread = new Worker(new URL('./simulation.worker.js', import.meta.url), {
    name: 'layerswarm-simulation',
    workerData: job,
    execArgv: [],
    resourceLimits: {
      maxOldGenerationSizeMb: HEAP_MB_MAX,
      maxYoungGenerationSizeMb: YOUNG_MB_MAX,
    },
  })
  let found: FuzzReport | undefined
  const stop = () => void thread.terminate()
  signal.addEventListener('abort', stop, { once: true })
  if (signal.aborted) stop()
  return new Promise<SimulationResults[K]>((resolve, reject) => {
    thread.on('message', (news: SimulationNews) => {
      if ('progress' in news) {
        progress(news.progress)
        found = news.found
      } else if ('refused' in news) reject(usageError(news.refused))
      else if ('failed' in news) reject(new Error(news.failed))
      // The result of a job is of the job's kind.
      else resolve(news.result as SimulationResults[K])
    })
    thread.once('error', reject)
    thread.once('exit', () => {
      // Only searches say what they have found.
      if (found !== undefined) resolve(found as SimulationResults[K])
      else reject(new CliError({ code: 'interrupted' }, 'the simulation was interrupted'))
    })
  }).finally(() => signal.removeEventListener('abort', stop))
}
