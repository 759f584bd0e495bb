/** Which part of a member asked for something, so that the end of a job finds its way back. */
export type JobOwner = 'provider' | 'audit' | 'scoring' | 'second-offer' | 'entrance' | 'rounds'

/** Names a job that the driver performs; the end of the job comes back as an input with the same id. */
export interface JobId {
  readonly owner: JobOwner
  /** Never given twice by one member. */
  readonly number: number
}

/** Numbers the jobs of one member. */
export class Jobs {
  private last = 0

  /** Ids for one owner. */
  of(owner: JobOwner): () => JobId {
    return () => ({ owner, number: ++this.last })
  }
}
