import type { Place } from '../logic/ring-layout.ts'
import { svg } from './dom.ts'
import { paintLayer } from './layer-mark.ts'

interface Point {
  readonly x: number
  readonly y: number
}

/** A light on its way: from one peer to the next, in the colour of the layer applied there. */
interface Move {
  readonly from: Point
  readonly to: Point
  /** undefined for the way home, where no layer is applied. */
  readonly layer: number | undefined
  readonly layers: number
}

/** Slow enough to see on a fast swarm, where hops take a few ms; the chips show the true times. */
const MOVE_MS = 260
/** Curves bend by this part of their length, so that ways across the circle do not hide this tab. */
const BEND = 0.22
const CURVE_STEPS = 12

export interface HopLights {
  /** Forgets the last request and starts one at `peer`. */
  begin(peer: string): void
  /** Sends the light on to the peer that applied `layer`. */
  visit(peer: string, layer: number, layers: number): void
  /** Sends the light back to `peer`. */
  goHome(peer: string): void
  clear(): void
}

/** Moves a light along the hops of the own request, one after the other, and leaves its trail. */
export function createHopLights(
  trails: SVGGElement,
  sparks: SVGGElement,
  placeOf: (peer: string) => Place | undefined,
): HopLights {
  let at: Point | undefined
  let queue: Move[] = []
  let moving: Animation | undefined

  function clear() {
    queue = []
    moving?.cancel()
    moving = undefined
    trails.replaceChildren()
    sparks.replaceChildren()
  }

  function send(peer: string, layer: number | undefined, layers: number) {
    const to = placeOf(peer)
    if (to === undefined) return
    if (at !== undefined) queue.push({ from: at, to, layer, layers })
    at = to
    if (moving === undefined) next()
  }

  function next() {
    const move = queue.shift()
    moving = undefined
    if (move === undefined) return
    // A light that falls behind its request hurries.
    const duration = MOVE_MS / (1 + queue.length / 3)
    moving = move.from === move.to ? pulse(move, duration) : travel(move, duration)
    if (moving === undefined) return next()
    moving.onfinish = () => {
      sparks.replaceChildren()
      next()
    }
  }

  /** The light goes from peer to peer and draws its trail; undefined when nothing may move. */
  function travel(move: Move, duration: number): Animation | undefined {
    const trail = draw(move)
    trails.append(trail)
    if (prefersStillness()) return undefined
    const spark = tinted(svg('circle', { class: 'spark', attributes: { r: '6' } }), move)
    sparks.replaceChildren(spark)
    trail.animate([{ strokeDashoffset: 1 }, { strokeDashoffset: 0 }], duration)
    return spark.animate(keyframes(move), { duration, easing: 'ease-in-out', fill: 'forwards' })
  }

  /** The next layer is applied where the light already is. */
  function pulse(move: Move, duration: number): Animation | undefined {
    if (prefersStillness()) return undefined
    const { x, y } = move.to
    const ring = svg('circle', { class: 'pulse', attributes: { cx: `${x}`, cy: `${y}` } })
    sparks.replaceChildren(tinted(ring, move))
    return ring.animate(
      [
        { r: '24px', opacity: 1 },
        { r: '54px', opacity: 0 },
      ],
      { duration, easing: 'ease-out', fill: 'forwards' },
    )
  }

  return {
    clear() {
      clear()
      at = undefined
    },
    begin(peer) {
      clear()
      at = placeOf(peer)
    },
    visit: send,
    goHome: (peer) => send(peer, undefined, 1),
  }
}

function prefersStillness(): boolean {
  return matchMedia('(prefers-reduced-motion: reduce)').matches
}

function tinted<T extends SVGElement>(element: T, { layer, layers }: Move): T {
  if (layer === undefined) element.classList.add('home')
  else paintLayer(element, layer, layers)
  return element
}

function draw(move: Move): SVGPathElement {
  const bend = controlPoint(move)
  const d = `M ${move.from.x} ${move.from.y} Q ${bend.x} ${bend.y} ${move.to.x} ${move.to.y}`
  return tinted(svg('path', { class: 'trail', attributes: { d, pathLength: '1' } }), move)
}

function controlPoint({ from, to }: Move): Point {
  const dx = to.x - from.x
  const dy = to.y - from.y
  return { x: (from.x + to.x) / 2 - dy * BEND, y: (from.y + to.y) / 2 + dx * BEND }
}

/** Points of the quadratic Bézier curve as positions of the light. */
function keyframes(move: Move): Keyframe[] {
  const bend = controlPoint(move)
  return Array.from({ length: CURVE_STEPS + 1 }, (_, step) => {
    const t = step / CURVE_STEPS
    const u = 1 - t
    const along = (a: number, b: number, c: number) => u * u * a + 2 * u * t * b + t * t * c
    const x = along(move.from.x, bend.x, move.to.x)
    const y = along(move.from.y, bend.y, move.to.y)
    return { transform: `translate(${x.toFixed(1)}px, ${y.toFixed(1)}px)` }
  })
}
