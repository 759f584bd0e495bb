/** What became of one request. */
export interface RequestRecord {
  readonly index: number
  readonly atMs: number
  endMs: number | undefined
  /** `answered`, or why not; undefined while it is open. */
  outcome: string | undefined
  /** Layers that were applied, in their order. */
  route: readonly number[]
  /** How many of them ran at once, round by round; empty for one after another. */
  rounds: readonly number[]
  /** Peers that it went to, one after the other; 0 where that is not counted, as of chains. */
  visits: number
  /** Layers of the model that were not. */
  missing: number
  /** Compute behind the answer, milliseconds. */
  usefulMs: number
  /** A lie is in the answer. */
  isWrong: boolean
  /** The only holder of its newest tensor was made to crash. */
  lostCopy: boolean
}
