import { escapeXml } from '@layerswarm/figures'
import type { Frame } from '../animation.ts'
import { FILM_PLAY_MS } from '../limits.ts'

const KIND_COLOURS = { step: '#0072b2', claim: '#e69f00', done: '#009e73' } as const

/** Where things are drawn, in units of the picture. */
const DRAWN = { left: 84, right: 648, row: 22, top: 16, stepRadius: 9 } as const

/** The messages about one request, one row per peer, played back in their order. Empty without a film. */
export function filmSection(film: readonly Frame[]): string {
  const [first] = film
  if (first === undefined) return ''
  const peers = [...new Set(film.map(({ peer }) => peer))]
  const lengthMs = Math.max(1, (film.at(-1)?.atMs ?? first.atMs) - first.atMs)
  const foot = DRAWN.top + peers.length * DRAWN.row
  const x = (ms: number) => DRAWN.left + (ms / lengthMs) * (DRAWN.right - DRAWN.left)
  const y = (peer: number) => DRAWN.top + peers.indexOf(peer) * DRAWN.row
  const rows = peers.map(
    (peer, i) =>
      `<text x="4" y="${y(peer) + 4}">${i === 0 ? 'asker' : `peer ${peer}`}</text><path d="M${DRAWN.left} ${y(peer)}H${DRAWN.right}" stroke="#8883"/>`,
  )
  const places = aside(film, (frame) => x(frame.atMs - first.atMs))
  const dots = film.map((frame, i) =>
    dot(frame, frame.atMs - first.atMs, places[i] as number, y(frame.peer)),
  )
  const ticks = [0, 0.25, 0.5, 0.75, 1].map(
    (share) =>
      `<text x="${x(share * lengthMs)}" y="${foot + 12}" text-anchor="middle">${Math.round(share * lengthMs)} ms</text>`,
  )
  return [
    '<section><h2>One request, message by message</h2>',
    '<p>Of the first requests the one about which most was said. A row is a peer; <b style="color:#0072b2">large dots</b> are steps with the layer just applied, ringed when the request had to go back to an older step first, <b style="color:#e69f00">small ones</b> claims, <b style="color:#009e73">green</b> is the end. <button id="play" type="button">▶ Play</button></p>',
    `<svg id="film" viewBox="0 0 680 ${foot + 20}" role="img" aria-label="One request, message by message" font-family="system-ui,sans-serif" font-size="12" fill="currentColor">`,
    ...rows,
    ...ticks,
    `<path id="now" d="M${DRAWN.left} 4V${foot - 6}" stroke="currentColor" stroke-dasharray="3 3" visibility="hidden"/>`,
    ...dots,
    '</svg></section>',
    `<script>${playScript(lengthMs)}</script>`,
  ].join('\n')
}

/** Where each frame is drawn: a step that would cover the one before it on its row stands beside it. */
function aside(film: readonly Frame[], x: (frame: Frame) => number): number[] {
  const ends = new Map<number, number>()
  return film.map((frame) => {
    if (frame.kind !== 'step') return x(frame)
    const at = Math.max(x(frame), (ends.get(frame.peer) ?? 0) + 2 * DRAWN.stepRadius + 1)
    ends.set(frame.peer, at)
    return at
  })
}

function playScript(lengthMs: number): string {
  return `{const said=[...document.querySelectorAll('#film .said')],now=document.getElementById('now');let turn=0
document.getElementById('play').onclick=()=>{const mine=++turn,from=performance.now();now.setAttribute('visibility','visible')
const draw=(at)=>{if(mine!==turn)return;const share=Math.min(1,(at-from)/${FILM_PLAY_MS});now.setAttribute('transform','translate('+share*${DRAWN.right - DRAWN.left}+')')
for(const one of said)one.classList.toggle('hidden',Number(one.dataset.ms)>share*${lengthMs})
if(share<1)requestAnimationFrame(draw);else now.setAttribute('visibility','hidden')};requestAnimationFrame(draw)}}`
}

function dot(frame: Frame, ms: number, x: number, y: number): string {
  const { kind, layer, hop, era } = frame
  const words = [kind, kind === 'done' ? '' : `hop ${hop}`]
  if (layer !== undefined) words.push(`layer ${layer}`)
  if (era > 0) words.push(`era ${era}`)
  words.push(`${Math.round(ms)} ms`)
  const label =
    kind === 'step' && layer !== undefined
      ? `<text x="${x.toFixed(1)}" y="${y + 4}" text-anchor="middle" fill="#fff" font-size="10">${layer}</text>`
      : ''
  const ring = era > 0 && kind === 'step' ? ' stroke="currentColor" stroke-width="2"' : ''
  const radius = kind === 'claim' ? 4 : DRAWN.stepRadius
  return `<g class="said" data-ms="${ms.toFixed(1)}"><title>${escapeXml(words.filter((word) => word !== '').join(', '))}</title><circle cx="${x.toFixed(1)}" cy="${y}" r="${radius}" fill="${KIND_COLOURS[kind]}"${ring}/>${label}</g>`
}
