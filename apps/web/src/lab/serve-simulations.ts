import {
  POLICIES,
  type PolicyReport,
  reportCsv,
  reportHtml,
  SCENARIOS,
  type SimulationProgress,
  type SimulationReport,
  simulate,
} from '@layerswarm/lab'
import type { LabRun } from '../logic/lab-run.ts'
import { errorText } from '../logic/wording.ts'
import { PROGRESS_INTERVAL_MS } from './limits.ts'

/** A policy by name, what it does, and what came of it. */
export interface ComparedPolicy {
  readonly name: string
  readonly about: string
  readonly figures: Pick<
    PolicyReport,
    | 'answered'
    | 'answeredShare'
    | 'partialShare'
    | 'p50Ms'
    | 'p95Ms'
    | 'bytesPerRequest'
    | 'wastedComputeShare'
  >
}

/** A simulation that has ended. */
export interface Comparison {
  readonly requests: number
  readonly policies: readonly ComparedPolicy[]
  readonly traceHash: string
  /** The command that runs the same elsewhere. */
  readonly replay: string
  /** The run as files: all of it as JSON, its figures as CSV, and a page with plots and a film of one request. */
  readonly files: { readonly json: string; readonly csv: string; readonly html: string }
}

/** What the worker says; scenarios come first, by themselves. */
export type SimulationNews =
  | { readonly scenarios: readonly { readonly name: string; readonly about: string }[] }
  | { readonly progress: SimulationProgress }
  | { readonly comparison: Comparison }
  | { readonly error: string }

/** The end of a worker that is used here. */
interface Port {
  postMessage(message: unknown): void
  onmessage: ((event: MessageEvent) => void) | null
}

/** Swarms of up to 10,000 peers: too large for a tab. */
const TOO_LARGE = 'lanes'

/** Simulates what it is asked for with every policy, one run after the other. */
export function serveSimulations(port: Port): void {
  const tell = (news: SimulationNews) => port.postMessage(news)
  let toldMs = 0
  const onProgress = (progress: SimulationProgress) => {
    if (performance.now() - toldMs < PROGRESS_INTERVAL_MS) return
    toldMs = performance.now()
    tell({ progress })
  }
  // The page that opened this worker is of the same build.
  port.onmessage = ({ data }: MessageEvent<LabRun>) => {
    const { scenario, ...options } = data
    try {
      tell({ comparison: compared(simulate(scenario, { ...options, policy: 'all', onProgress })) })
    } catch (error) {
      tell({ error: errorText(error) })
    }
  }
  const scenarios = Object.entries(SCENARIOS).filter(([name]) => name !== TOO_LARGE)
  tell({ scenarios: scenarios.map(([name, { about }]) => ({ name, about })) })
}

function compared(report: SimulationReport): Comparison {
  const { requests, traceHash, replay } = report
  return {
    ...{ requests, traceHash, replay },
    policies: Object.entries(report.policies).map(([name, figures]) => ({
      name,
      about: POLICIES[name as keyof typeof POLICIES],
      figures,
    })),
    files: { json: JSON.stringify(report), csv: reportCsv(report), html: reportHtml(report) },
  }
}
