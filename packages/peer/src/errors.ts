import { CodedError } from '@layerswarm/model'

/** What can keep a peer from joining or from doing what it was asked to, as data. */
export type PeerFault =
  | { code: 'bad-join-url'; join: string }
  | { code: 'unreachable'; url: string }
  | { code: 'bad-bootstrap'; field: string }
  | { code: 'no-release'; wanted: string | undefined; offered: readonly string[] }
  | { code: 'bad-manifest'; release: string }
  | { code: 'untrusted-publisher'; publisher: string }
  | { code: 'bad-identity'; path: string }
  | { code: 'cannot-listen'; host: string; port: number }
  | { code: 'insecure-context' }
  | { code: 'bad-options'; field: string }
  /** The swarm lets members in, and this peer has no key. */
  | { code: 'private-swarm' }
  | { code: 'bad-swarm-key' }
  /** The swarm lets in only peers that its host has listed, and did not let this one in. */
  | { code: 'not-listed'; peer: string }
  | { code: 'no-engine'; engine: string }
  | { code: 'bad-image'; reason: string }
  | { code: 'part-unavailable'; part: string }
  | { code: 'compute-failed'; reason: string }
  | { code: 'not-built'; file: string }
  | { code: 'not-started' }
  | { code: 'stopped' }

/** The one error class of this package: `message` is a line for people, `fault` is for programs. */
export class PeerError extends CodedError<PeerFault> {
  override readonly name = 'PeerError'
}
