import type { LabRun } from '../logic/lab-run.ts'
import type { Comparison, SimulationNews } from './serve-simulations.ts'

/** A scenario's name, and what goes wrong in it. */
export type KnownScenario = Extract<SimulationNews, { scenarios: unknown }>['scenarios'][number]

/** What a run says of itself. */
export interface RunEvents {
  progressed(line: string): void
  /** It has ended well. */
  compared(comparison: Comparison): void
  /** It has not. */
  failed(problem: string): void
}

/** Simulates in a worker, one run at a time. */
export interface Simulator {
  readonly scenarios: readonly KnownScenario[]
  /** Ends the run before it. */
  run(run: LabRun, events: RunEvents): void
  /** Ends a run wherever it is. */
  stop(): void
}

/** @throws Error with one line when no worker starts. */
export async function openSimulator(): Promise<Simulator> {
  let { worker, scenarios } = await openWorker()
  let isBusy = false

  function stop() {
    if (!isBusy) return
    isBusy = false
    worker.terminate()
    worker = newWorker()
  }

  return {
    scenarios,
    stop,
    run(run, { progressed, compared, failed }) {
      stop()
      isBusy = true
      worker.onmessage = ({ data: news }: MessageEvent<SimulationNews>) => {
        if ('progress' in news) {
          const { policy, done, of } = news.progress
          return progressed(`${policy}: ${done} of ${of} requests`)
        }
        if ('scenarios' in news) return
        isBusy = false
        if ('comparison' in news) compared(news.comparison)
        else failed(news.error)
      }
      worker.onerror = () => {
        stop()
        failed('The simulation stopped: this tab has too little memory for it. Ask for less.')
      }
      worker.postMessage(run)
    },
  }
}

function newWorker(): Worker {
  return new Worker(new URL('./simulate.worker.js', import.meta.url), { type: 'module' })
}

function openWorker(): Promise<{ worker: Worker; scenarios: readonly KnownScenario[] }> {
  const worker = newWorker()
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data: news }: MessageEvent<SimulationNews>) => {
      if ('scenarios' in news) resolve({ worker, scenarios: news.scenarios })
    }
    worker.onerror = () => reject(new Error('The lab’s worker did not start: reload the page.'))
  })
}
