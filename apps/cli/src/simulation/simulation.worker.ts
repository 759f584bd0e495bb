import { parentPort, workerData } from 'node:worker_threads'
import { type FuzzReport, fuzz, simulate, simulateChurn, simulateLoad } from '@layerswarm/lab'
import { SwarmError } from '@layerswarm/swarm'
import type { SimulationJob, SimulationNews, SimulationResults } from './simulation-job.ts'

const tell = (news: SimulationNews) => parentPort?.postMessage(news)

let saidMs = performance.now()
/** At most a line every second, and one for every finding. */
function progressed(line: () => string, found?: FuzzReport, isNew = false): void {
  if (!isNew && performance.now() - saidMs < 1_000) return
  saidMs = performance.now()
  tell({ progress: line(), found })
}

let failures = 0
function searched(found: FuzzReport, of: number): void {
  const isNew = found.failures.length > failures
  failures = found.failures.length
  progressed(() => `${found.runs} of ${of} worlds, ${failures} broke a promise`, found, isNew)
}

function run(job: SimulationJob): SimulationResults[keyof SimulationResults] {
  switch (job.kind) {
    case 'scenario':
      return simulate(job.scenario, { ...job.options, onProgress })
    case 'churn':
      return simulateChurn({ ...job.options, onProgress })
    case 'load':
      return simulateLoad({
        ...job.options,
        onProgress: (line) => tell({ progress: line, found: undefined }),
      })
    case 'fuzz':
      return fuzz(job.runs, { ...job.options, onProgress: searched })
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
