import type { PeerSnapshot } from '@layerswarm/peer'
import { bytesText } from './wording.ts'

const PLACES: Readonly<Record<PeerSnapshot['storage']['place'], string>> = {
  opfs: 'this browser’s private file system',
  'cache-storage': 'this browser’s cache',
  files: 'files',
  memory: 'memory',
}

/** What crossed the network so far, and where layer files are kept, in one sentence each. */
export function trafficText({ bytes, relay, state, storage }: PeerSnapshot): string {
  if (state === 'offline') return 'No traffic: this tab is not in the swarm.'
  const gossip = `Gossip ${bytesText(bytes.gossipIn)} in, ${bytesText(bytes.gossipOut)} out`
  const tensors = `tensors ${bytesText(bytes.tensorsIn)} in, ${bytesText(bytes.tensorsOut)} out`
  const layers = `layers ${bytesText(bytes.layersFromPeers)} from peers, ${bytesText(bytes.layersFromHttp)} from the server, ${bytesText(bytes.layersToPeers)} to peers`
  const kept = `Layer files are kept in ${PLACES[storage.place]}${storage.persisted ? ', for good' : ''}`
  return `${gossip}; ${tensors}; ${layers}; relay ${relay}. ${kept}${storage.problem === undefined ? '' : `: ${storage.problem}`}.`
}
