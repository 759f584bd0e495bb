import type { PeerSnapshot } from '@layerswarm/peer'
import { engineWord } from './plain-words.ts'
import type { ShownSwarm } from './swarm-seen.ts'
import { layersText, peerText } from './wording.ts'

/** One peer as the picture shows it. */
export interface SceneNode {
  readonly id: string
  /** Short enough to stand inside its disc. */
  readonly label: string
  readonly title: string
  readonly layers: readonly number[]
  /** Class names, separated by spaces: how it is connected, what it is up to. */
  readonly look: string
}

/** What the picture of a swarm depends on, and nothing that changes more often. */
export interface Scene {
  readonly self: SceneNode
  readonly peers: readonly SceneNode[]
  /** Layers of the model. */
  readonly layers: number
  /** The picture in words. */
  readonly caption: string
}

/** The swarm as this tab, or for it its server, sees it. */
export function sceneOf(snapshot: PeerSnapshot, { peers, coverage }: ShownSwarm): Scene {
  return {
    self: {
      id: snapshot.peerId ?? '',
      label: 'this tab',
      title: 'this tab',
      layers: snapshot.hostedLayers,
      look: `self ${snapshot.state}`,
    },
    peers: peers.map((peer) => ({
      id: peer.id,
      label: peerText(peer.id),
      title: `${peer.id}: ${hostedText(peer.layers)}, ${engineWord(peer.backend)}`,
      layers: peer.layers,
      look: peer.connection,
    })),
    layers: coverage.length,
    caption: captionOf(snapshot, peers.length),
  }
}

function captionOf(snapshot: PeerSnapshot, count: number): string {
  const others = count === 1 ? '1 other peer' : `${count} other peers`
  if (snapshot.state === 'offline') return `This tab has not joined the swarm of ${others}.`
  return `This tab, hosting ${hostedText(snapshot.hostedLayers)}, and ${others} around it. The table below lists them.`
}

/** The layers of a peer in words. */
export function hostedText(layers: readonly number[]): string {
  return layers.length === 0 ? 'no layers' : layersText(layers)
}
