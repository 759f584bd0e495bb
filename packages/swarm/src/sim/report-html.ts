import type { Frame } from './animation.ts'
import type { ChurnReport } from './churn.ts'
import { churnPlot } from './churn.ts'
import { barPlot, escapeXml, linePlot } from './plot.ts'
import { percent, policiesOf } from './report-markdown.ts'
import type { SimulationReport } from './simulate.ts'

/**
 * A simulation as one HTML page that needs nothing else: plots as SVG, and one request played back
 * message by message.
 * @param churn adds the plot of accuracy and completion against churn.
 */
export function reportHtml(report: SimulationReport, churn?: ChurnReport): string {
  const title = `${report.scenario}: ${report.peers} providers, ${report.requests} requests`
  const film = policiesOf(report).find(([, one]) => one.film.length > 0)?.[1].film ?? []
  const plots = [
    churn === undefined ? '' : churnPlot(churn),
    barPlot(
      { title: 'Answered', y: 'share of requests', yMax: 1, percent: true },
      policiesOf(report).map(([name, one]) => [name, one.answeredShare]),
    ),
    latencyPlot(report),
    timelinePlot(report),
    barPlot(
      { title: 'Bytes per request', y: 'bytes, all copies' },
      policiesOf(report).map(([name, one]) => [name, one.bytesPerRequest]),
    ),
    barPlot(
      { title: 'Sent by the median peer', y: 'bytes per second' },
      policiesOf(report).map(([name, one]) => [name, one.sentBytesPerPeerSecond.p50]),
    ),
    barPlot(
      { title: 'Wasted compute', y: 'share of layer time', percent: true },
      policiesOf(report).map(([name, one]) => [name, one.wastedComputeShare]),
    ),
    growthPlot(report),
  ]
  return [
    '<!doctype html><html lang="en"><head><meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width,initial-scale=1">',
    `<title>${escapeXml(title)}</title><style>${STYLE}</style></head><body>`,
    `<h1>${escapeXml(title)}</h1><p>${escapeXml(report.about)}; seed ${report.seed}, trace <code>${escapeXml(report.traceHash.slice(0, 16))}</code></p>`,
    summary(report),
    ...plots.filter((plot) => plot !== '').map((plot) => `<figure>${plot}</figure>`),
    filmSection(film),
    `<h2>Repeat</h2><pre>${escapeXml(report.replay)}</pre>`,
    '</body></html>',
  ].join('\n')
}

const STYLE = `:root{color-scheme:light dark}body{font:15px/1.5 system-ui,sans-serif;max-width:44rem;margin:2rem auto;padding:0 1rem}
figure{margin:1.5rem 0}svg{width:100%;height:auto}table{border-collapse:collapse;width:100%}td,th{padding:.2rem .5rem;text-align:right;border-bottom:1px solid #8884}
td:first-child,th:first-child{text-align:left}pre{overflow:auto;padding:.6rem;background:#8882}
.said{opacity:.15}.said.shown{opacity:1}button{font:inherit}`

function summary(report: SimulationReport): string {
  const rows = policiesOf(report).map(
    ([name, one]) =>
      `<tr><td>${name}</td><td>${percent(one.answeredShare)}</td><td>${percent(one.partialShare)}</td><td>${one.accuracy === null ? '–' : percent(one.accuracy)}</td><td>${Math.round(one.p50Ms)}</td><td>${Math.round(one.p95Ms)}</td><td>${percent(one.extraWorkShare)}</td></tr>`,
  )
  return `<table><thead><tr><th>policy</th><th>answered</th><th>partial</th><th>top-1</th><th>p50 ms</th><th>p95 ms</th><th>extra work</th></tr></thead><tbody>${rows.join('')}</tbody></table>`
}

function latencyPlot(report: SimulationReport): string {
  return linePlot({
    title: 'Requests answered within a time',
    x: 'milliseconds',
    y: 'share of all requests',
    yMax: 1,
    percent: true,
    logX: true,
    series: policiesOf(report)
      .filter(([, one]) => one.answered > 0)
      .map(([name, one]) => ({
        name,
        points: one.latencyMs.map((ms, i) => [ms, (i / 100) * one.answeredShare] as const),
      })),
  })
}

function timelinePlot(report: SimulationReport): string {
  const first = policiesOf(report)[0]?.[1]
  if (first === undefined) return ''
  const { timeline } = first
  const per = (of: (moment: (typeof timeline)[number]) => number) =>
    timeline.map((moment) => [moment.atMs / 1_000, of(moment)] as const)
  const most = Math.max(1, ...timeline.map(({ peers }) => peers))
  return linePlot({
    title: 'The swarm over time',
    x: 'seconds',
    y: 'hosts of the rarest layer',
    series: [
      { name: 'hosts of the rarest layer, mean of the lanes', points: per(({ rarest }) => rarest) },
      {
        name: `providers, in ${Math.ceil(most / 10)}s`,
        points: per(({ peers }) => (peers / most) * 10),
      },
    ],
  })
}

function growthPlot({ sizes }: SimulationReport): string {
  if (sizes.length < 2) return ''
  return linePlot({
    title: 'What one peer carries while the swarm grows',
    x: 'providers',
    y: 'bytes per second',
    logX: true,
    series: [
      { name: 'presence', points: sizes.map((one) => [one.peers, one.controlBytesPerPeerSecond]) },
      {
        name: 'all, median peer',
        points: sizes.map((one) => [one.peers, one.sentBytesPerPeerSecond]),
      },
    ],
  })
}

/** The messages about one request, one row per peer, played back in their order. */
function filmSection(film: readonly Frame[]): string {
  if (film.length === 0) return ''
  const peers = [...new Set(film.map(({ peer }) => peer))]
  const start = film[0]?.atMs ?? 0
  const length = Math.max(1, (film.at(-1)?.atMs ?? start) - start)
  const height = 40 + peers.length * 22
  const dots = film.map((one, i) => {
    const x = 70 + ((one.atMs - start) / length) * 540
    return dot(one, i, start, x, 34 + peers.indexOf(one.peer) * 22)
  })
  const rows = peers.map(
    (peer, i) =>
      `<text x="4" y="${38 + i * 22}">peer ${peer}</text><path d="M70 ${34 + i * 22}H620" stroke="#8884"/>`,
  )
  return `<h2>One request, message by message</h2><p>Large dots are steps with the layer just applied, small ones claims. <button id="play">Play</button></p><figure><svg viewBox="0 0 640 ${height}" font-family="sans-serif" font-size="12" fill="currentColor">${rows.join('')}${dots.join('')}</svg></figure>
<script>document.getElementById('play').onclick=()=>{const said=[...document.querySelectorAll('.said')];said.forEach((one)=>one.classList.remove('shown'));said.forEach((one,i)=>setTimeout(()=>one.classList.add('shown'),i*${Math.max(60, Math.round(6_000 / film.length))}))}</script>`
}

const KIND_COLOURS = { step: '#0072b2', claim: '#e69f00', done: '#009e73' } as const

function dot(frame: Frame, index: number, startMs: number, x: number, y: number): string {
  const { atMs, kind, layer, hop, era } = frame
  const words = [kind, kind === 'done' ? '' : `hop ${hop}`]
  if (layer !== undefined) words.push(`layer ${layer}`)
  if (era > 0) words.push(`era ${era}`)
  words.push(`${Math.round(atMs - startMs)} ms`)
  const label =
    kind === 'step' && layer !== undefined
      ? `<text x="${x.toFixed(1)}" y="${y + 4}" text-anchor="middle" fill="#fff" font-size="10">${layer}</text>`
      : ''
  return `<g class="said shown" data-at="${index}"><title>${escapeXml(words.join(' '))}</title><circle cx="${x.toFixed(1)}" cy="${y}" r="${kind === 'step' ? 8 : 4}" fill="${KIND_COLOURS[kind]}"/>${label}</g>`
}
