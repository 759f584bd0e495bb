/** What became of a release whose layers somebody in the lane has: they may be mixed in, or why not. */
export type ReleaseJudgement =
  /** How far a layer's output may be apart by the file of it that was loaded, ‖a − b‖ / ‖b‖. */
  | { readonly fileDistance: number }
  /** @param isFinal it says so itself; otherwise it could not be read, and is looked at again. */
  | { readonly fault: string; readonly isFinal: boolean }

/** The release of this member's own layers, where that is another than the lane's. */
export interface OwnWeights {
  /** Hash of its manifest, hex. */
  readonly release: string
  readonly fileDistance: number
}
