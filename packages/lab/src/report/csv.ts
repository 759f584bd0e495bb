import type { PolicyReport } from '../measure.ts'
import type { SimulationReport } from '../simulate.ts'
import { policiesOf } from './markdown.ts'

/** Figures of a policy that are one number each, in the order of the columns. */
const COLUMNS = [
  'requests',
  'answered',
  'answeredShare',
  'partialShare',
  'accuracy',
  'p50Ms',
  'p95Ms',
  'p99Ms',
  'hopsPerRequest',
  'bytesPerRequest',
  'messagesPerRequest',
  'wastedComputeShare',
  'extraWorkShare',
  'wrongByLiars',
  'controlBytesPerPeerSecond',
  'bytesPerPeerSecond',
  'distinctOrders',
  'checks',
  'traceHash',
] as const satisfies readonly (keyof PolicyReport)[]

/**
 * A simulation as comma-separated values, a row per policy, with the names of the JSON (RFC 4180; no value needs
 * quotes). What is not known, such as an accuracy that nobody scored, is empty.
 */
export function reportCsv(report: SimulationReport): string {
  const { scenario, seed, peers } = report
  const rows = policiesOf(report).map(([name, one]) => [
    ...[scenario, seed, peers, name],
    ...COLUMNS.map((column) => one[column] ?? ''),
    one.violations.length,
  ])
  const head = ['scenario', 'seed', 'peers', 'policy', ...COLUMNS, 'violations']
  return [head, ...rows].map((row) => `${row.join()}\r\n`).join('')
}
