import { parentPort, workerData } from 'node:worker_threads'
import { fuzz, simulate, simulateChurn, simulateLoad } from '@layerswarm/lab'
import { SwarmError } from '@layerswarm/swarm'
import type { SimulationJob, SimulationNews, SimulationResults } from './simulation-job.ts'

const tell = (news: SimulationNews) => parentPort?.postMessage(news)

let saidMs = performance.now()
/** At most a line every second. */
function progressed(line: () => string): void {
  if (performance.now() - saidMs < 1_000) return
  saidMs = performance.now()
  tell({ progress: line() })
}

function run(job: SimulationJob): SimulationResults[keyof SimulationResults] {
  switch (job.kind) {
    case 'scenario':
      return simulate(job.scenario, { ...job.options, onProgress })
    case 'churn':
      return simulateChurn({ ...job.options, onProgress })
    case 'load':
      return simulateLoad({ ...job.options, onProgress: (line) => tell({ progress: line }) })
    case 'fuzz':
      return fuzz(job.runs, {
        ...job.options,
        onProgress: (done, of, failures) =>
          progressed(() => `${done} of ${of} worlds, ${failures} broke a promise`),
      })
    default:
      return job satisfies never
  }
}

function onProgress({ policy, peers, done, of }: Parameters<OnProgress>[0]): void {
  progressed(() => `${policy}, ${peers} providers: ${done} of ${of} requests`)
}
type OnProgress = NonNullable<NonNullable<Parameters<typeof simulate>[1]>['onProgress']>

try {
  // Whoever starts this thread has typed its job.
  tell({ result: run(workerData as SimulationJob) })
} catch (error) {
  const isRefusal = error instanceof SwarmError && error.code === 'bad-request'
  tell(isRefusal ? { refused: error.message } : { failed: String(error) })
}
