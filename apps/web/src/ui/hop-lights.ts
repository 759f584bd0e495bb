import { createFlights, type Light, type Stop, type Trail } from '../logic/flights.ts'
import { layerHue } from '../logic/layer-colours.ts'
import type { Place } from '../logic/ring-layout.ts'
import { createRoundFlights } from '../logic/round-flights.ts'
import {
  CARGO_SIDE_UNITS,
  DEVICE_PIXELS_PER_PIXEL_MAX,
  HALF_VIEW_UNITS,
  HOP_LIGHT_MS,
} from './limits.ts'

/** A peer's disc, in units of the picture's view box. */
export interface Disc {
  readonly x: number
  readonly y: number
  readonly radius: number
}

/** The lights over the picture of the swarm. */
export interface HopLights {
  /** @param discs the places with the radius that trails stop at. */
  place(places: ReadonlyMap<string, Place>, discs: readonly Disc[], layers: number): void
  /** A request has come this far. @param start where an own request begins. */
  seen(request: string, route: readonly Stop[], start: string | undefined): void
  /** An own request that is answered in rounds has come this far: so many of its route ran at once, round by round. */
  inRounds(request: string, route: readonly Stop[], rounds: readonly number[], hub: string): void
  /** The answer of an own request is there. */
  home(request: string, peer: string): void
  /** The picture that own requests carry. */
  carry(picture: CanvasImageSource): void
}

/** Draws requests as lights on a canvas over the picture; draws nothing while nothing moves. */
export function createHopLights(canvas: HTMLCanvasElement): HopLights {
  const stillness = matchMedia('(prefers-reduced-motion: reduce)')
  const darkness = matchMedia('(prefers-color-scheme: dark)')
  const legMs = () => (stillness.matches ? 0 : HOP_LIGHT_MS)
  const flights = createFlights(legMs)
  const bursts = createRoundFlights(legMs)
  const context = canvas.getContext('2d')
  let layers = 1
  let discs: readonly Disc[] = []
  let cargo: CanvasImageSource | undefined
  let running = false

  function wake() {
    if (running) return
    running = true
    requestAnimationFrame(draw)
  }

  function draw() {
    running = false
    if (context === null) return
    const nowMs = performance.now()
    const single = flights.frame(nowMs)
    const several = bursts.frame(nowMs)
    const lights = [...single.lights, ...several.lights]
    fit(canvas, context)
    for (const trail of [...single.trails, ...several.trails])
      drawTrail(context, trail, colourOf(trail.layer, 0.7))
    eraseDiscs(context, discs)
    for (const light of lights) {
      const disc = discs.find(({ x, y }) => x === light.x && y === light.y)
      drawLight(context, light, disc?.radius ?? 0, colourOf(light.layer, 1), cargo)
    }
    if (!flights.isStill(nowMs) || !bursts.isStill(nowMs)) wake()
  }

  function colourOf(layer: number | undefined, opacity: number): string {
    const dark = darkness.matches
    if (layer === undefined)
      return dark ? `rgb(155 164 181 / ${opacity / 2})` : `rgb(90 98 112 / ${opacity / 2})`
    const hue = layerHue(layer, layers).toFixed(1)
    return dark ? `oklch(0.75 0.13 ${hue} / ${opacity})` : `oklch(0.62 0.16 ${hue} / ${opacity})`
  }

  new ResizeObserver(wake).observe(canvas)
  darkness.addEventListener('change', wake)
  return {
    place(places, rims, count) {
      layers = Math.max(1, count)
      discs = rims
      flights.place(places)
      bursts.place(places)
      wake()
    },
    seen(request, route, start) {
      // Without motion only the own route is worth its lines.
      if (stillness.matches && start === undefined) return
      flights.seen(request, route, start, performance.now())
      wake()
    },
    inRounds(request, route, rounds, hub) {
      bursts.seen(request, route, rounds, hub, performance.now())
      wake()
    },
    home(request, peer) {
      flights.home(request, peer, performance.now())
      wake()
    },
    carry(picture) {
      cargo = picture
    },
  }
}

/** Sizes the canvas to its place on the screen and puts the origin into its middle. */
function fit(canvas: HTMLCanvasElement, context: CanvasRenderingContext2D): void {
  const ratio = Math.min(devicePixelRatio, DEVICE_PIXELS_PER_PIXEL_MAX)
  const side = Math.max(1, Math.round(canvas.clientWidth * ratio))
  if (canvas.width !== side) {
    canvas.width = side
    canvas.height = side
  }
  const scale = side / (2 * HALF_VIEW_UNITS)
  context.setTransform(scale, 0, 0, scale, side / 2, side / 2)
  context.clearRect(-HALF_VIEW_UNITS, -HALF_VIEW_UNITS, 2 * HALF_VIEW_UNITS, 2 * HALF_VIEW_UNITS)
}

function drawTrail(context: CanvasRenderingContext2D, trail: Trail, colour: string): void {
  context.globalAlpha = Math.max(0, trail.strength)
  context.strokeStyle = colour
  context.lineWidth = trail.own ? 2.5 : 1.5
  context.beginPath()
  context.moveTo(trail.from.x, trail.from.y)
  context.quadraticCurveTo(trail.bend.x, trail.bend.y, trail.to.x, trail.to.y)
  context.stroke()
  context.globalAlpha = 1
}

/** The canvas lies over the peers: a trail ends at the rim of a disc, and a light does not. */
function eraseDiscs(context: CanvasRenderingContext2D, discs: readonly Disc[]): void {
  context.globalCompositeOperation = 'destination-out'
  context.fillStyle = '#000'
  context.beginPath()
  for (const { x, y, radius } of discs) {
    context.moveTo(x + radius, y)
    context.arc(x, y, radius, 0, 2 * Math.PI)
  }
  context.fill()
  context.globalCompositeOperation = 'source-over'
}

/** @param around radius of the disc that the light is on, 0 for one on its way. */
function drawLight(
  context: CanvasRenderingContext2D,
  light: Light,
  around: number,
  colour: string,
  cargo: CanvasImageSource | undefined,
): void {
  const { x, y, own, pulse } = light
  context.beginPath()
  if (pulse !== undefined) {
    context.globalAlpha = 1 - pulse
    context.strokeStyle = colour
    context.lineWidth = own ? 4 : 2
    context.arc(x, y, around * (0.7 + 0.9 * pulse), 0, 2 * Math.PI)
    context.stroke()
    context.globalAlpha = 1
    if (!own) return
    context.beginPath()
  }
  context.fillStyle = colour
  context.arc(x, y, own ? CARGO_SIDE_UNITS * 0.75 : 4.5, 0, 2 * Math.PI)
  context.fill()
  if (!own || cargo === undefined) return
  context.imageSmoothingEnabled = false
  const half = CARGO_SIDE_UNITS / 2
  context.drawImage(cargo, x - half, y - half, CARGO_SIDE_UNITS, CARGO_SIDE_UNITS)
}
