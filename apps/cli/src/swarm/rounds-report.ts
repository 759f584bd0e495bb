import { groupingText } from '@layerswarm/model'
import type { PeerSnapshot } from '@layerswarm/peer'
import type { ClassifyPolicy } from '@layerswarm/swarm'

/** How a picture was answered: so many layers at once in each request's rounds, and who ran which. */
export interface RanInRounds {
  readonly rounds: readonly (readonly number[])[]
  readonly hops: readonly { readonly peer: string }[]
}

/** Bytes of tensors. */
export interface TensorBytes {
  readonly sent: number
  readonly received: number
}

/** What tensors crossed the network for an answer, by role. */
export interface RoleBytes {
  /** Whoever asked: in rounds the hub, which all of them pass. */
  readonly requester: TensorBytes
  /** Peers that ran layers of a round, and what each of them had of it; undefined for one layer after another. */
  readonly executor: ({ readonly peers: number } & TensorBytes) | undefined
}

/** Says what a peer's tensors have come to by now. */
export interface TensorCounter {
  snapshot(): { readonly bytes: Pick<PeerSnapshot['bytes'], 'tensorsIn' | 'tensorsOut'> }
}

/** Begins to count what a requester sends and receives. @returns what has come together since, of so many answers each. */
export function countTensors(peer: TensorCounter): (answers: number) => TensorBytes {
  const before = peer.snapshot().bytes
  return (answers) => {
    const { tensorsIn, tensorsOut } = peer.snapshot().bytes
    return {
      sent: (tensorsOut - before.tensorsOut) / answers,
      received: (tensorsIn - before.tensorsIn) / answers,
    }
  }
}

/** Of one answer, or the mean of many. @param executors peers that ran layers of a round, 0 for a tour. */
export function byRole(requester: TensorBytes, executors: number): RoleBytes {
  const { sent, received } = requester
  if (executors === 0) return { requester, executor: undefined }
  // What a hub sends its executors receive, and nothing goes between them.
  const each = { sent: received / executors, received: sent / executors }
  return { requester, executor: { peers: executors, ...each } }
}

/** Peers that ran layers of rounds, 0 where none did. */
export function executorsOf({ rounds, hops }: RanInRounds): number {
  if (rounds.every((sizes) => sizes.length === 0)) return 0
  return new Set(hops.map(({ peer }) => peer)).size
}

/** "in rounds of 4+4 on 3 peers; 39 kB sent and 39 kB received here, …"; undefined for a tour. */
export function roundsLine(rounds: RanInRounds['rounds'], bytes: RoleBytes): string | undefined {
  const texts = [...new Set(rounds.filter((sizes) => sizes.length > 0).map(groupingText))]
  if (texts.length === 0) return undefined
  return `in rounds of ${texts.join(' and ')}${onPeers(bytes)}`
}

/** Where none was run: so it went, if rounds were asked for. */
export function noRoundsLine({ rounds }: Partial<ClassifyPolicy>): string | undefined {
  return rounds === undefined || rounds === 'off' ? undefined : 'one layer after another'
}

/** Of many answers, by their rounds: "498 in rounds of 4+4, 2 of 4+3 on 3 peers; …"; undefined where none was. */
export function manyRoundsLine(
  rounds: Readonly<Record<string, number>>,
  bytes: RoleBytes,
): string | undefined {
  const [first, ...others] = Object.entries(rounds).toSorted((a, b) => b[1] - a[1])
  if (first === undefined) return undefined
  const more = others.map(([text, count]) => `, ${count} of ${text}`).join('')
  return `${first[1]} in rounds of ${first[0]}${more}${onPeers(bytes)}`
}

function onPeers({ requester, executor }: RoleBytes): string {
  const here = bytesLine('here', requester)
  if (executor === undefined) return `; ${here}`
  const peers = `${amount(executor.peers)} ${executor.peers === 1 ? 'peer' : 'peers'}`
  return ` on ${peers}; ${here}, ${bytesLine('by each peer', executor)}`
}

function bytesLine(where: string, { sent, received }: TensorBytes): string {
  return `${size(sent)} sent and ${size(received)} received ${where}`
}

function amount(count: number): string {
  return Number.isInteger(count) ? `${count}` : count.toFixed(1)
}

function size(bytes: number): string {
  if (bytes < 1000) return `${Math.round(bytes)} B`
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`
}
