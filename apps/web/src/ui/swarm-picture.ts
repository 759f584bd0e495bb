import { arcPath, discRadius, type Place, ringLayout } from '../logic/ring-layout.ts'
import type { Scene, SceneNode } from '../logic/scene.ts'
import { setText, svg } from './dom.ts'
import { createHopLights, type HopLights } from './hop-lights.ts'
import { paintLayer } from './layer-mark.ts'
import {
  ARC_GAP_RADIANS,
  DISC_RADIUS_UNITS_MAX,
  LABELLED_RADIUS_UNITS_MIN,
  PEERS_DRAWN_MAX,
  RIM_RADII,
  RING_RADIUS_UNITS,
  SELF_RADIUS_UNITS,
} from './limits.ts'

/** The swarm as discs around this tab, with the lights of requests between them. */
export interface SwarmPicture {
  show(scene: Scene): void
  readonly lights: HopLights
}

/** The elements that one picture lives in. */
export interface PictureFrame {
  readonly root: SVGSVGElement
  /** Lies over `root`, and has its size; clicks go through it. */
  readonly canvas: HTMLCanvasElement
  /** Says how many peers are not drawn. */
  readonly more: HTMLElement
}

/** Draws the peers on a circle around the asking one, each with the layers it hosts as coloured arcs. */
export function createSwarmPicture(
  { root, canvas, more }: PictureFrame,
  picked: (peer: string) => void = () => {},
): SwarmPicture {
  const ring = svg('circle', { class: 'orbit', attributes: { r: String(RING_RADIUS_UNITS) } })
  const nodes = svg('g')
  root.append(ring, nodes)
  const lights = createHopLights(canvas)
  const drawnNodes = new Map<string, { readonly key: string; readonly node: SVGGElement }>()
  let drawn = ''

  /** The node of a peer: the one that is there already, if nothing of it has changed. */
  function nodeOf(peer: SceneNode, place: Place, radius: number, layers: number): SVGGElement {
    const key = JSON.stringify([peer, place, radius, layers])
    const known = drawnNodes.get(peer.id)
    if (known?.key === key) return known.node
    const node = drawNode(peer, place, radius, layers)
    drawnNodes.set(peer.id, { key, node })
    known?.node.replaceWith(node)
    return node
  }

  root.addEventListener('click', ({ target }) => {
    const node = target instanceof Element ? target.closest<SVGGElement>('[data-peer]') : null
    const peer = node?.dataset.peer
    if (peer !== undefined) picked(peer)
  })

  return {
    lights,
    show(scene) {
      const key = JSON.stringify(scene)
      if (key === drawn) return
      drawn = key
      const shown = scene.peers.slice(0, PEERS_DRAWN_MAX)
      const others = ringLayout(
        shown.map((peer) => peer.id),
        RING_RADIUS_UNITS,
      )
      const radius = discRadius(others, DISC_RADIUS_UNITS_MAX)
      const self: Place = { id: scene.self.id, x: 0, y: 0 }
      const places = [self, ...others]
      lights.place(
        new Map(places.map((place) => [place.id, place])),
        places.map((place) => ({
          x: place.x,
          y: place.y,
          radius: (place === self ? SELF_RADIUS_UNITS : radius) * RIM_RADII,
        })),
        scene.layers,
      )
      const byPeer = new Map(shown.map((peer) => [peer.id, peer]))
      const wanted = [
        nodeOf(scene.self, self, SELF_RADIUS_UNITS, scene.layers),
        ...others.flatMap((place) => {
          const peer = byPeer.get(place.id)
          return peer === undefined ? [] : [nodeOf(peer, place, radius, scene.layers)]
        }),
      ]
      const isDrawn =
        nodes.childElementCount === wanted.length &&
        wanted.every((node, index) => nodes.children[index] === node)
      if (!isDrawn) nodes.replaceChildren(...wanted)
      for (const id of drawnNodes.keys()) {
        if (id !== scene.self.id && !byPeer.has(id)) drawnNodes.delete(id)
      }
      root.setAttribute('aria-label', scene.caption)
      const hidden = scene.peers.length - shown.length
      setText(more, hidden > 0 ? `and ${hidden} more peers` : '')
    },
  }
}

function drawNode(node: SceneNode, place: Place, radius: number, layers: number): SVGGElement {
  const group = svg(
    'g',
    {
      class: `node ${node.look}`,
      attributes: { transform: `translate(${place.x.toFixed(1)} ${place.y.toFixed(1)})` },
    },
    svg('title', { text: node.title }),
    svg('circle', { class: 'disc', attributes: { r: radius.toFixed(1) } }),
    ...layerArcs(node.layers, layers, radius),
  )
  group.dataset.peer = node.id
  group.style.setProperty('--radius', radius.toFixed(1))
  if (radius >= LABELLED_RADIUS_UNITS_MIN)
    group.append(svg('text', { class: 'name', text: node.label }))
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
