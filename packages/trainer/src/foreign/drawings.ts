import type { RandomStream } from '../random.ts'
import {
  between,
  box,
  type Canvas,
  createCanvas,
  disc,
  drawColour,
  fill,
  type Point,
  paint,
  polygon,
  type Shape,
  stroke,
} from './canvas.ts'

/** Draws one picture. */
export type Draw = (random: RandomStream, size: number, channels: number) => Canvas

/** Every value by itself. */
export const drawNoise: Draw = (random, size, channels) => {
  const canvas = createCanvas(size, channels, [])
  paint(canvas, () => random.next())
  return canvas
}

/** Soft spots of light, a few waves of random directions, their sum stretched to all of 0 … 1. */
export const drawClouds: Draw = (random, size, channels) => {
  const canvas = createCanvas(size, channels, [])
  const waves = Array.from({ length: 6 }, () => ({
    kx: between(random, -3, 3),
    ky: between(random, -3, 3),
    phases: Array.from({ length: channels }, () => between(random, 0, 2 * Math.PI)),
  }))
  paint(canvas, (_, x, y, channel) =>
    waves.reduce(
      (sum, { kx, ky, phases }) =>
        sum + Math.sin(2 * Math.PI * (kx * x + ky * y) + (phases[channel] ?? 0)),
      0,
    ),
  )
  const { values } = canvas
  const [low, high] = [Math.min(...values), Math.max(...values)]
  paint(canvas, (value) => (value - low) / (high - low || 1))
  return canvas
}

/** Stripes, checks or bricks. */
export const drawTexture: Draw = (random, size, channels) => {
  const [dark, light] = [drawColour(random, channels, 0, 0.4), drawColour(random, channels, 0.6, 1)]
  const canvas = createCanvas(size, channels, dark)
  const angle = between(random, 0, Math.PI)
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)]
  const cells = between(random, 2, 7)
  const kind = random.below(3)
  const isOdd = (value: number): boolean => Math.abs(Math.floor(value * cells)) % 2 === 1
  fill(
    canvas,
    (x, y) => {
      const [u, v] = [cos * x + sin * y, cos * y - sin * x]
      if (kind === 0) return isOdd(u)
      if (kind === 1) return isOdd(u) !== isOdd(v)
      return isOdd(u + (isOdd(v) ? 0.5 / cells : 0)) && isOdd(v * 2)
    },
    light,
  )
  return canvas
}

/** Strokes of digits and letters on a grid of 3 × 5 points, each a list of points to go through. */
const GLYPHS: readonly string[] = [
  '00 20 24 04 00', // 0
  '01 10 14 04 24', // 1
  '00 20 22 02 04 24',
  '00 20 24 04 22 02',
  '00 02 22 20 24',
  '20 00 02 22 24 04',
  '20 00 04 24 22 02',
  '00 20 14',
  '00 20 24 04 00 02 22',
  '22 02 00 20 24 04',
  '04 10 24 12 02', // A
  '04 00 20 12 24 04', // B
  '20 00 04 24', // C
  '00 04 24', // L
  '00 14 20', // V
  '00 24 12 20 04', // X
  '04 00 12 20 24', // M
  '04 00 24 20', // N
  '00 20 04 24', // Z
  '00 12 20 12 14', // Y
]

/** A digit or a letter, slanted and shifted as by hand. */
export const drawGlyph: Draw = (random, size, channels) => {
  const canvas = createCanvas(size, channels, drawColour(random, channels, 0, 0.1))
  const glyph = GLYPHS[random.below(GLYPHS.length)] ?? ''
  const [width, height] = [between(random, 0.35, 0.6), between(random, 0.6, 0.8)]
  const slant = between(random, -0.2, 0.2)
  const left = (1 - width) / 2 + between(random, -0.05, 0.05)
  const top = (1 - height) / 2 + between(random, -0.05, 0.05)
  const points = glyph.split(' ').map((pair): Point => {
    const [u, v] = [Number(pair[0]) / 2, Number(pair[1]) / 4]
    return [left + width * u + slant * (0.5 - v), top + height * v]
  })
  const thick = between(random, 0.07, 0.14)
  const colour = drawColour(random, channels, 0.8, 1)
  for (const [index, to] of points.entries()) {
    const from = points[index - 1]
    if (from !== undefined) fill(canvas, stroke(from, to, thick), colour)
  }
  return canvas
}

/** A few flat shapes that overlap. */
export const drawShapes: Draw = (random, size, channels) => {
  const canvas = createCanvas(size, channels, drawColour(random, channels, 0, 0.2))
  for (let shapes = 1 + random.below(3); shapes > 0; shapes--) {
    const [cx, cy] = [between(random, 0.25, 0.75), between(random, 0.25, 0.75)]
    const radius = between(random, 0.12, 0.35)
    fill(canvas, shapeAt(random, cx, cy, radius), drawColour(random, channels, 0.4, 1))
  }
  return canvas
}

/** A disc, a ring, or a star or polygon of three to seven points. */
function shapeAt(random: RandomStream, cx: number, cy: number, radius: number): Shape {
  const kind = random.below(4)
  if (kind === 0) return disc(cx, cy, radius)
  if (kind === 1) {
    const [outer, inner] = [disc(cx, cy, radius), disc(cx, cy, radius * 0.6)]
    return (x, y) => outer(x, y) && !inner(x, y)
  }
  const corners = 3 + random.below(5)
  const turn = between(random, 0, Math.PI)
  const points = Array.from({ length: kind === 2 ? corners : 2 * corners }, (_, index): Point => {
    const angle = turn + (2 * Math.PI * index) / (kind === 2 ? corners : 2 * corners)
    const reach = kind === 3 && index % 2 === 1 ? radius * 0.45 : radius
    return [cx + reach * Math.cos(angle), cy + reach * Math.sin(angle)]
  })
  return polygon(points)
}

/** A landscape: sky that pales, a sun, hills, perhaps a house and trees. */
export const drawLandscape: Draw = (random, size, channels) => {
  const canvas = createCanvas(size, channels, drawColour(random, channels, 0.5, 0.8))
  const fade = between(random, 0.1, 0.4)
  paint(canvas, (value, _, y) => value + fade * (y - 0.5))
  fill(
    canvas,
    disc(between(random, 0.1, 0.9), between(random, 0.1, 0.3), between(random, 0.05, 0.12)),
    drawColour(random, channels, 0.9, 1),
  )
  for (let hill = 0; hill < 3; hill++) {
    const [base, height] = [0.45 + 0.15 * hill, between(random, 0.03, 0.15)]
    const [waves, phase] = [between(random, 0.5, 2), between(random, 0, 6)]
    const isHill: Shape = (x, y) => y > base + height * Math.sin(2 * Math.PI * waves * x + phase)
    fill(canvas, isHill, drawColour(random, channels, 0.1, 0.5))
  }
  const [left, ground, side] = [between(random, 0.1, 0.6), 0.8, between(random, 0.15, 0.3)]
  fill(
    canvas,
    box(left, ground - side, left + side, ground),
    drawColour(random, channels, 0.6, 0.9),
  )
  fill(
    canvas,
    polygon([
      [left - 0.03, ground - side],
      [left + side / 2, ground - 1.7 * side],
      [left + side + 0.03, ground - side],
    ]),
    drawColour(random, channels, 0.1, 0.4),
  )
  return grained(canvas, random)
}

/** The face of an animal: a head with pointed or round ears, eyes, a nose. */
export const drawFace: Draw = (random, size, channels) => {
  const canvas = createCanvas(size, channels, drawColour(random, channels, 0, 0.6))
  const fur = drawColour(random, channels, 0.4, 1)
  const dark = drawColour(random, channels, 0, 0.2)
  const [cx, cy, radius] = [
    between(random, 0.4, 0.6),
    between(random, 0.5, 0.6),
    between(random, 0.25, 0.35),
  ]
  const isPointed = random.below(2) === 0
  for (const side of [-1, 1]) {
    const x = cx + side * radius * 0.7
    const ear = isPointed
      ? polygon([
          [x - side * radius * 0.55, cy - radius * 0.7],
          [x + side * radius * 0.25, cy - radius * 1.4],
          [x + side * radius * 0.25, cy - radius * 0.4],
        ])
      : disc(x, cy - radius * 0.85, radius * 0.4)
    fill(canvas, ear, fur)
  }
  fill(canvas, disc(cx, cy, radius, radius * between(random, 0.85, 1.1)), fur)
  for (const side of [-1, 1]) {
    fill(canvas, disc(cx + side * radius * 0.4, cy - radius * 0.2, radius * 0.14), dark)
  }
  fill(canvas, disc(cx, cy + radius * 0.3, radius * 0.13, radius * 0.1), dark)
  return grained(canvas, random)
}

/** A car from the side: body, roof, windows, two wheels, a road. */
export const drawCar: Draw = (random, size, channels) => {
  const canvas = createCanvas(size, channels, drawColour(random, channels, 0.3, 0.9))
  fill(canvas, box(0, 0.72, 1, 1), drawColour(random, channels, 0.1, 0.5))
  const body = drawColour(random, channels, 0, 1)
  const [left, right] = [between(random, 0.05, 0.15), between(random, 0.85, 0.95)]
  const top = between(random, 0.45, 0.55)
  fill(canvas, box(left, top, right, 0.75), body)
  const width = right - left
  const [roofLeft, roofRight] = [left + 0.2 * width, left + between(random, 0.65, 0.8) * width]
  fill(
    canvas,
    polygon([
      [roofLeft, top],
      [roofLeft + 0.08, top - 0.18],
      [roofRight - 0.08, top - 0.18],
      [roofRight, top],
    ]),
    body,
  )
  const glass = drawColour(random, channels, 0.6, 1)
  fill(canvas, box(roofLeft + 0.09, top - 0.14, roofRight - 0.09, top - 0.02), glass)
  for (const share of [0.22, 0.78]) {
    fill(canvas, disc(left + share * width, 0.76, 0.1), drawColour(random, channels, 0, 0.15))
    fill(canvas, disc(left + share * width, 0.76, 0.045), drawColour(random, channels, 0.5, 0.8))
  }
  return grained(canvas, random)
}

/** Grain and an uneven light, as in photographs. */
function grained(canvas: Canvas, random: RandomStream): Canvas {
  const [dx, dy] = [between(random, -0.2, 0.2), between(random, -0.2, 0.2)]
  paint(canvas, (value, x, y) => value + dx * (x - 0.5) + dy * (y - 0.5) + 0.03 * random.gaussian())
  return canvas
}
