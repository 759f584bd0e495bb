import type { EncodedActivation } from '@layerswarm/model'
import type { Effect } from '../effects.ts'
import type { JobId } from '../jobs.ts'
import type { Hop, PeerId } from '../wire/messages.ts'
import type { AskedInRounds } from './asked.ts'
import type { CurrentRound } from './round.ts'

/** What a hub waits for: the input of a request or of a round, the head, or somebody's sum. */
export type HubJob =
  | { readonly for: 'input' | 'round' | 'head'; readonly asked: AskedInRounds }
  | {
      readonly for: 'sum'
      readonly asked: AskedInRounds
      readonly round: CurrentRound
      readonly from: PeerId
      readonly hops: readonly Hop[]
      readonly tensor: EncodedActivation
    }

/**
 * The jobs of a hub.
 *
 * 1. A job is taken once; what ends after its request was dropped is nobody's.
 */
export class HubJobs {
  private readonly nextJob: () => JobId
  private readonly jobs = new Map<number, HubJob>()

  constructor(nextJob: () => JobId) {
    this.nextJob = nextJob
  }

  add(job: HubJob): JobId {
    const id = this.nextJob()
    this.jobs.set(id.number, job)
    return id
  }

  take({ number }: JobId): HubJob | undefined {
    const job = this.jobs.get(number)
    this.jobs.delete(number)
    return job
  }

  /** Nothing is waited for any more. @returns what ends the fetches among them. */
  drop(asked: AskedInRounds): Effect[] {
    const effects: Effect[] = []
    for (const [number, job] of this.jobs) {
      if (job.asked !== asked) continue
      this.jobs.delete(number)
      if (job.for === 'sum' || job.for === 'input')
        effects.push({ do: 'cancel', job: { owner: 'rounds', number } })
    }
    return effects
  }
}
