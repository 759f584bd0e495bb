import {
  createPeer,
  type Peer,
  type PeerEvent,
  type PeerOptions,
  type PolicyName,
} from '@layerswarm/peer'
import { heldBack } from './held-back.ts'

/** Which swarm a requester joins, and with what. */
export interface RequesterNeeds {
  /** The servers of the swarm. */
  readonly join: readonly URL[]
  /** Of a private swarm, where the links have none in them. */
  readonly swarmKey: string | undefined
  /** Folder of its identity and layer files; none keeps nothing. */
  readonly dataDir: string | undefined
  readonly release: string | undefined
  readonly engine: PeerOptions['engine']
  readonly policy: PolicyName
  /** Whether it speaks WebRTC: not where all peers are processes of this machine. */
  readonly webrtc: boolean
  readonly signal: AbortSignal
  /** Told in one line of a server that is away or refused. */
  log(line: string): void
  /** Told of every step of joining. */
  doing(text: string): void
}

/** Joins a swarm without hosting anything. The caller stops the peer. @throws PeerError */
export async function joinAsRequester(needs: RequesterNeeds): Promise<Peer> {
  const { swarmKey, dataDir, release, engine, policy, webrtc, signal, log, doing } = needs
  const join = needs.join.map(({ href }) => href)
  const how = { swarmKey, dataDir, release, engine, policy, webrtc }
  const peer = createPeer({ join, serve: 'none', capacity: 0, ...how })
  const servers = heldBack(log)
  peer.on((event) => {
    if (event.type === 'state-changed' && event.state === 'joining')
      doing(`joining: ${event.reason}`)
    if (event.type === 'server-changed' && event.state !== 'met')
      servers.tell(describeServer(event))
  })
  try {
    await peer.start(signal)
    servers.release()
  } catch (error) {
    await peer.stop()
    throw error
  }
  return peer
}

/** What became of a server, in one line. */
export function describeServer({
  url,
  state,
  reason,
}: Extract<PeerEvent, { type: 'server-changed' }>): string {
  switch (state) {
    case 'met':
      return `connected to the server ${url}`
    case 'away':
      return `the server ${url} is away and tried again: ${reason}`
    case 'refused':
      return `the server ${url} is not joined: ${reason}`
    default:
      return state satisfies never
  }
}
