import type { Answer } from '@layerswarm/swarm'

/** One layer applied to a request: which, by whom, on what, in how many ms. */
export type Hop = Answer['route'][number]

/** How far the classification of the chosen picture has come. */
export type Run =
  | { readonly stage: 'waiting'; readonly why: string }
  | {
      readonly stage: 'running'
      readonly route: readonly Hop[]
      readonly probabilities: readonly number[] | undefined
    }
  | {
      readonly stage: 'answered'
      readonly route: readonly Hop[]
      readonly probabilities: readonly number[]
      readonly missingLayers: readonly number[]
      readonly totalMs: number
    }
  | { readonly stage: 'failed'; readonly route: readonly Hop[]; readonly message: string }
