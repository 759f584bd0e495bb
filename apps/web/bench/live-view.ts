import { svg } from '../src/ui/dom.ts'
import { createSwarmPicture } from '../src/ui/swarm-picture.ts'
import '../src/style/page.css'

/** A made-up swarm and what it is asked. */
export interface Crowd {
  readonly peers: number
  readonly layers: number
  /** 0 for a picture in which nothing moves. */
  readonly requestsPerSecond: number
}

/** How smoothly a picture of a crowd is drawn. */
export interface Smoothness {
  /** Milliseconds from one frame of the page to the next. */
  readonly frameMs: readonly number[]
  /** Milliseconds of script for each frame that the picture drew. */
  readonly scriptMs: readonly number[]
}

/** A layer takes so long: about what one takes in WebAssembly, the way to it included. */
const HOP_MS = 25
/** The page looks at its peer this often while there is something to see. */
const LOOK_MS = 100

/** Draws the live view of a crowd for a while, and times it. */
export async function drawCrowd(crowd: Crowd, durationMs: number): Promise<Smoothness> {
  const root = svg('svg', { attributes: { viewBox: '-200 -200 400 400' } })
  const canvas = document.createElement('canvas')
  const place = document.createElement('div')
  place.className = 'swarm'
  place.append(canvas, root)
  document.body.append(place)
  const scriptMs: number[] = []
  const frames = globalThis.requestAnimationFrame
  globalThis.requestAnimationFrame = (draw) =>
    frames((atMs) => {
      const startMs = performance.now()
      draw(atMs)
      scriptMs.push(performance.now() - startMs)
    })
  const picture = createSwarmPicture({ root, canvas, more: document.createElement('p') })
  const stop = feed(picture, crowd)
  try {
    return { frameMs: await frameTimes(frames, durationMs), scriptMs }
  } finally {
    stop()
    globalThis.requestAnimationFrame = frames
    place.remove()
  }
}

/** @returns what ends it. */
function feed(
  picture: ReturnType<typeof createSwarmPicture>,
  { peers, layers, requestsPerSecond }: Crowd,
): () => void {
  const ids = Array.from({ length: peers }, (_, n) => `peer-${n}`)
  const all = Array.from({ length: layers }, (_, layer) => layer)
  let looks = 0
  const look = () => {
    const changed = Math.floor(looks++ / 10) % peers
    picture.show({
      self: { id: 'self', label: 'this tab', title: '', layers: [0, 1], look: 'self serving' },
      peers: ids.map((id, n) => ({
        ...{ id, label: id.slice(-6), title: id, look: 'direct' },
        // Every second another peer hosts other layers.
        layers: all.filter((layer) => (layer + n + Number(n === changed)) % 4 === 0),
      })),
      layers,
      caption: `${peers} peers`,
    })
  }
  look()
  if (requestsPerSecond === 0) return () => undefined
  let asked = 0
  const timers = new Set<ReturnType<typeof setInterval>>()
  const ask = () => {
    const number = asked++
    const request = `request-${number}`
    // One a second is this tab's own.
    const start = number % requestsPerSecond === 0 ? 'self' : undefined
    const route: { layer: number; peer: string }[] = []
    const timer = setInterval(() => {
      const hop = route.length
      route.push({ layer: hop, peer: ids[(number * 7 + hop * 13) % peers] ?? 'self' })
      picture.lights.seen(request, [...route], start)
      if (route.length < layers) return
      clearInterval(timer)
      timers.delete(timer)
    }, HOP_MS)
    timers.add(timer)
  }
  timers.add(setInterval(look, LOOK_MS))
  timers.add(setInterval(ask, 1_000 / requestsPerSecond))
  return () => {
    for (const timer of timers) clearInterval(timer)
  }
}

function frameTimes(frames: typeof requestAnimationFrame, durationMs: number): Promise<number[]> {
  return new Promise((resolve) => {
    const times: number[] = []
    const startMs = performance.now()
    let lastMs = startMs
    const next = () => {
      const nowMs = performance.now()
      times.push(nowMs - lastMs)
      lastMs = nowMs
      if (nowMs - startMs < durationMs) frames(next)
      else resolve(times)
    }
    frames(next)
  })
}
