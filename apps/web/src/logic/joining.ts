/** How much of a file has come, in bytes that cross the network. */
export interface Download {
  readonly receivedBytes: number
  readonly bytes: number
}

/** What has kept a tab out. */
export interface JoinProblem {
  /** For a visitor. */
  readonly line: string
  /** In the words of those who built it. */
  readonly detail: string
}

/**
 * Where a tab stands between the click on Join and serving: one machine, in which nothing looks like a failure but
 * a failure.
 */
export type Joining =
  /** Where it could not join, why, until somebody tries again. */
  | { readonly stage: 'away'; readonly problem: JoinProblem | undefined }
  /** The network's code and the runtime of the engine are on their way. */
  | { readonly stage: 'fetching'; readonly download: Download | undefined }
  /** The servers, the release, the others. */
  | { readonly stage: 'meeting' }
  /** An attempt failed, and the next one comes by itself. */
  | { readonly stage: 'waiting'; readonly why: string }
  | { readonly stage: 'in' }

/** What happens to it. */
export type JoinEvent =
  | { readonly type: 'asked' }
  | { readonly type: 'received'; readonly download: Download }
  | { readonly type: 'fetched' }
  | { readonly type: 'put-off'; readonly why: string }
  | { readonly type: 'joined' }
  | { readonly type: 'failed'; readonly problem: JoinProblem }
  | { readonly type: 'left' }

/** A tab that nobody has asked to join. */
export const AWAY: Joining = Object.freeze({ stage: 'away', problem: undefined })

/**
 * What comes next. An event that does not fit where the tab stands, such as a last piece of a download that was
 * cancelled, changes nothing.
 */
export function nextJoining(now: Joining, event: JoinEvent): Joining {
  switch (event.type) {
    case 'asked':
      return now.stage === 'away' || now.stage === 'waiting'
        ? { stage: 'fetching', download: undefined }
        : now
    case 'received':
      return now.stage === 'fetching' ? { stage: 'fetching', download: event.download } : now
    case 'fetched':
      return now.stage === 'fetching' ? { stage: 'meeting' } : now
    case 'put-off':
      return now.stage === 'fetching' || now.stage === 'meeting'
        ? { stage: 'waiting', why: event.why }
        : now
    case 'joined':
      return now.stage === 'meeting' ? { stage: 'in' } : now
    case 'failed':
      return now.stage === 'away' ? now : { stage: 'away', problem: event.problem }
    case 'left':
      return AWAY
    default:
      return event satisfies never
  }
}

/** What a tab is doing, or why it is not in the swarm, for people; `meeting` is told by the peer itself. */
export function joiningText(joining: Joining): string {
  switch (joining.stage) {
    case 'away':
      return joining.problem?.line ?? 'this tab has not joined'
    case 'fetching':
      return 'fetching what this tab computes with'
    case 'meeting':
      return 'meeting the swarm'
    case 'waiting':
      return joining.why
    case 'in':
      return 'part of the swarm'
    default:
      return joining satisfies never
  }
}
