import type {
  ChurnReport,
  FuzzOptions,
  FuzzReport,
  LoadOptions,
  LoadReport,
  SimulateOptions,
  SimulationReport,
} from '@layerswarm/lab'

/** What is simulated. */
export type SimulationJob =
  | { readonly kind: 'scenario'; readonly scenario: string; readonly options: SimulateOptions }
  | {
      readonly kind: 'churn'
      readonly options: SimulateOptions & { readonly rates?: readonly number[] }
    }
  | { readonly kind: 'load'; readonly options: Omit<LoadOptions, 'onProgress'> }
  | { readonly kind: 'fuzz'; readonly runs: number; readonly options: FuzzOptions }

/** What comes of each kind of job. */
export interface SimulationResults {
  readonly scenario: SimulationReport
  readonly churn: ChurnReport
  readonly load: LoadReport
  readonly fuzz: FuzzReport
}

/** What the thread says. */
export type SimulationNews =
  /** A search for a broken promise says what it has found by then. */
  | { readonly progress: string; readonly found: FuzzReport | undefined }
  | { readonly result: SimulationResults[keyof SimulationResults] }
  /** What was asked for cannot be simulated: one line that says why. */
  | { readonly refused: string }
  | { readonly failed: string }
