import type { NoveltyVerdict, Receipt } from '@layerswarm/model'
import type { Answer, Checked, Confirmation } from '@layerswarm/swarm'
import type { Ensemble } from './logic/ensemble.ts'
import type { TimePart } from './logic/timing.ts'

/** One layer applied to a request: which, by whom, on what, in how many ms. */
export type Hop = Answer['route'][number]

/** What the head made of the first `hops` layers: one probability per class. */
export interface Mark {
  readonly hops: number
  readonly probabilities: readonly number[]
}

/** How far the classification of the chosen picture has come. */
export type Run =
  | { readonly stage: 'waiting'; readonly why: string }
  | {
      readonly stage: 'running'
      readonly route: readonly Hop[]
      readonly probabilities: readonly number[] | undefined
      /** The probabilities as they sharpened, oldest first. */
      readonly marks: readonly Mark[]
      /** Orders that were asked for, and those that have ended. */
      readonly orders: { readonly ended: number; readonly of: number }
    }
  | {
      readonly stage: 'answered'
      /** Of the first order. */
      readonly route: readonly Hop[]
      readonly marks: readonly Mark[]
      readonly missingLayers: readonly number[]
      /** The time since the picture was chosen. */
      readonly time: readonly TimePart[]
      /** What others have run again of each order by now. */
      readonly checked: readonly Checked[]
      /** All orders taken together; of one order alone its answer. */
      readonly ensemble: Ensemble
      /** What became of asking twice; undefined where it was not. */
      readonly confirmed: Confirmation | undefined
      /** Whether the model can know what it sees; undefined where its release does not tell. */
      readonly novelty: NoveltyVerdict | undefined
      readonly receipt: Receipt
    }
  | { readonly stage: 'failed'; readonly route: readonly Hop[]; readonly message: string }
