import type { PeerSnapshot } from '@layerswarm/peer'
import { arcPath, discRadius, type Place, ringLayout } from '../logic/ring-layout.ts'
import { layersText, peerText } from '../logic/wording.ts'
import { byId, setText, svg } from './dom.ts'
import { createHopLights, type HopLights } from './hop-lights.ts'
import { paintLayer } from './layer-mark.ts'

/** Units of the view box, 400 × 400 around the origin. */
const RING_RADIUS = 152
const SELF_RADIUS = 40
const DISC_RADIUS_MAX = 28
/** Below this a disc cannot hold its label. */
const LABELLED_RADIUS = 22
/** Beyond this the discs would be dots; the table lists everybody. */
const PEERS_SHOWN = 60
const ARC_GAP_RADIANS = 0.12

export interface SwarmPicture {
  show(snapshot: PeerSnapshot): void
  readonly lights: HopLights
}

/** Draws the peers on a circle around this tab, each with the layers it hosts as coloured arcs. */
export function createSwarmPicture(): SwarmPicture {
  const root = byId('swarm', SVGSVGElement)
  const more = byId('swarm-more', HTMLElement)
  const ring = svg('circle', { class: 'orbit', attributes: { r: String(RING_RADIUS) } })
  const trails = svg('g', { class: 'trails' })
  const nodes = svg('g')
  const sparks = svg('g', { class: 'sparks' })
  root.append(ring, trails, nodes, sparks)

  let places = new Map<string, Place>()
  let drawn = ''
  const lights = createHopLights(trails, sparks, (peer) => places.get(peer))

  return {
    lights,
    show(snapshot) {
      const key = drawingKey(snapshot)
      if (key === drawn) return
      drawn = key
      const shown = snapshot.peers.slice(0, PEERS_SHOWN)
      const layers = snapshot.coverage.length
      const radius = discRadius(shown.length, RING_RADIUS, DISC_RADIUS_MAX)
      const others = ringLayout(
        shown.map((peer) => peer.id),
        RING_RADIUS,
      )
      const self: Place = { id: snapshot.peerId ?? '', x: 0, y: 0 }
      const before = [...places.keys()].join()
      places = new Map([self, ...others].map((place) => [place.id, place]))
      if (before !== [...places.keys()].join()) lights.clear()
      const byPeer = new Map(shown.map((peer) => [peer.id, peer]))
      nodes.replaceChildren(
        selfNode(snapshot, layers),
        ...others.flatMap((place) => {
          const peer = byPeer.get(place.id)
          return peer === undefined ? [] : [peerNode(peer, place, radius, layers)]
        }),
      )
      root.setAttribute('aria-label', pictureText(snapshot))
      setText(
        more,
        shown.length < snapshot.peers.length
          ? `and ${snapshot.peers.length - shown.length} more peers`
          : '',
      )
    },
  }
}

type PeerEntry = PeerSnapshot['peers'][number]

/** Everything the drawing depends on; the rest of the snapshot changes far more often. */
function drawingKey(snapshot: PeerSnapshot): string {
  const peers = snapshot.peers.map((peer) => [peer.id, peer.layers, peer.connection, peer.backend])
  return JSON.stringify([
    snapshot.state,
    snapshot.peerId,
    snapshot.hostedLayers,
    snapshot.coverage.length,
    peers,
  ])
}

function selfNode(snapshot: PeerSnapshot, layers: number): SVGGElement {
  const group = svg(
    'g',
    { class: `node self ${snapshot.state}` },
    svg('circle', { class: 'disc', attributes: { r: String(SELF_RADIUS) } }),
    ...layerArcs(snapshot.hostedLayers, layers, SELF_RADIUS),
    svg('text', { class: 'name', text: 'this tab' }),
  )
  group.style.setProperty('--radius', String(SELF_RADIUS))
  return group
}

function peerNode(peer: PeerEntry, place: Place, radius: number, layers: number): SVGGElement {
  const hosted = peer.layers.length === 0 ? 'no layers' : layersText(peer.layers)
  const group = svg(
    'g',
    {
      class: `node ${peer.connection}`,
      attributes: { transform: `translate(${place.x.toFixed(1)} ${place.y.toFixed(1)})` },
    },
    svg('title', { text: `${peer.id}: ${hosted}, ${peer.backend}` }),
    svg('circle', { class: 'disc', attributes: { r: radius.toFixed(1) } }),
    ...layerArcs(peer.layers, layers, radius),
  )
  group.style.setProperty('--radius', radius.toFixed(1))
  if (radius >= LABELLED_RADIUS)
    group.append(svg('text', { class: 'name', text: peerText(peer.id) }))
  return group
}

function layerArcs(hosted: readonly number[], layers: number, radius: number): SVGPathElement[] {
  const gap = layers > 16 ? ARC_GAP_RADIANS / 3 : ARC_GAP_RADIANS
  const known = hosted.filter((layer) => layer < layers)
  return known.map((layer) =>
    paintLayer(
      svg('path', {
        class: 'arc',
        attributes: { d: arcPath(layer, layers, Number(radius.toFixed(1)), gap) },
      }),
      layer,
      layers,
    ),
  )
}

function pictureText(snapshot: PeerSnapshot): string {
  if (snapshot.state === 'offline') return 'This tab has not joined the swarm.'
  const others =
    snapshot.peers.length === 1 ? '1 other peer' : `${snapshot.peers.length} other peers`
  const own = snapshot.hostedLayers.length === 0 ? 'no layers' : layersText(snapshot.hostedLayers)
  return `This tab, hosting ${own}, and ${others} around it. The table below lists them.`
}
