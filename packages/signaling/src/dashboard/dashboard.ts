import type { Moment } from './history.ts'
import type { ShownRelease, SwarmView } from './swarm-view.ts'

/** Width and height of the plot of the last day, in its own units. */
const PLOT = { width: 600, height: 120 } as const

/** Of a release's id, beside its name. */
const ID_CHARS = 8

/** The swarm for people: a page without scripts, as it is when it is opened. */
export function dashboardPage(view: SwarmView): string {
  const trouble =
    view.trouble.length === 0
      ? '<p class="good">All is well.</p>'
      : `<ul class="bad">${view.trouble.map((line) => `<li>${escaped(line)}</li>`).join('')}</ul>`
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Swarm of this server</title>
<link rel="stylesheet" href="./swarm.css">
</head>
<body>
<h1>Swarm of this server</h1>
<p>Layerswarm ${escaped(view.version)}, protocol ${view.protocol}, up for ${ageText(view.uptimeMs)}. <a href="./swarm">Look again</a>, <a href="./">the page</a>, <a href="./swarm.json">the same as JSON</a>.</p>
<h2>Trouble</h2>
${trouble}
${view.releases.map((release) => releaseSection(release, view.releases)).join('\n')}
<h2>The last day</h2>
${plot(view.history)}
<p>Requests travel between peers, so this server sees none and counts no answers.</p>
</body>
</html>
`
}

function releaseSection(release: ShownRelease, releases: readonly ShownRelease[]): string {
  const { name, id, own, lanesOf, providers, askers, hosts, lanes, peers } = release
  const heading = `<h2>${nameText(release)}</h2>`
  const home = releases.find((other) => other.id === lanesOf)
  if (lanesOf !== id && home !== undefined)
    return `${heading}
<p>It mixes with ${nameText(home)} and is in the lanes of that: ${own} ${own === 1 ? 'peer there has' : 'peers there have'} layers of ${escaped(name)}.</p>`
  const isMixed = releases.some((other) => other.id !== id && other.lanesOf === id)
  const nameOf = (other: string) =>
    releases.find((one) => one.id === other)?.name ?? other.slice(0, ID_CHARS)
  return `${heading}
<p>${providers} ${providers === 1 ? 'peer hosts' : 'peers host'} layers, ${askers} only ask.</p>
<table>
<caption>Hosts per layer</caption>
<tr><th scope="row">Layer</th>${hosts.map((_, layer) => `<td>${layer}</td>`).join('')}</tr>
<tr><th scope="row">Hosts</th>${hosts.map((count) => `<td class="${count === 0 ? 'bad' : count === 1 ? 'warn' : 'good'}">${count}</td>`).join('')}</tr>
</table>
${table(
  'Lanes',
  ['Lane', 'Hosts', 'Only ask', 'Layers lacking'],
  lanes.map((one) => [one.lane, one.providers, one.askers, one.lacking]),
)}
${table(
  'Peers',
  ['Peer', 'Lane', 'Layers', ...(isMixed ? ['Of release'] : []), 'Computes with', 'ms per layer'],
  peers.map((one) => [
    one.id.slice(-6),
    one.lane,
    one.layers.join(', '),
    ...(isMixed ? [nameOf(one.release)] : []),
    one.backend,
    one.layerMs.toFixed(1),
  ]),
)}`
}

function nameText({ name, id }: ShownRelease): string {
  return `${escaped(name)} <small>${id.slice(0, ID_CHARS)}</small>`
}

function table(
  caption: string,
  head: readonly string[],
  rows: readonly (readonly (string | number)[])[],
): string {
  if (rows.length === 0) return ''
  const cells = (tag: string, row: readonly (string | number)[]) =>
    `<tr>${row.map((cell) => `<${tag}>${escaped(String(cell))}</${tag}>`).join('')}</tr>`
  return `<table>
<caption>${caption}</caption>
${cells('th', head)}
${rows.map((row) => cells('td', row)).join('\n')}
</table>`
}

/** Peers as a line, and below it in red the times at which a layer had no host. */
function plot(history: readonly Moment[]): string {
  const [first, last] = [history[0], history.at(-1)]
  if (first === undefined || last === undefined || history.length < 2)
    return '<p>It is drawn after some minutes.</p>'
  const most = Math.max(1, ...history.map(({ peers }) => peers))
  const x = (at: number) => ((at - first.at) / (last.at - first.at)) * PLOT.width
  const y = (peers: number) => PLOT.height - (peers / most) * PLOT.height
  const line = history.map(({ at, peers }) => `${x(at).toFixed(1)},${y(peers).toFixed(1)}`)
  const gaps = history.filter(({ covered, layers }) => covered < layers)
  const marks = gaps.map(
    ({ at }) =>
      `<rect class="gap" x="${x(at).toFixed(1)}" y="${PLOT.height}" width="3" height="6"/>`,
  )
  return `<svg viewBox="-2 -2 ${PLOT.width + 4} ${PLOT.height + 10}" role="img" aria-label="Peers over the last day, ${most} at most; a layer had no host at ${gaps.length} of ${history.length} looks">
<polyline points="${line.join(' ')}"/>${marks.join('')}</svg>
<p>Peers from ${clock(first.at)} to ${clock(last.at)} UTC, ${most} at most. Red: a layer had no host.</p>`
}

function clock(at: number): string {
  return new Date(at).toISOString().slice(0, 16).replace('T', ' ')
}

function ageText(ms: number): string {
  const minutes = Math.floor(ms / 60_000)
  if (minutes < 120) return `${minutes} min`
  return `${Math.floor(minutes / 60)} h`
}

/** Names come from manifests and peers: text stays text. */
function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}

/** Its style: the page's policy allows none within the page itself. */
export const DASHBOARD_CSS = `:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 60rem; margin: 0 auto; padding: 1rem; }
table { display: block; max-width: 100%; overflow-x: auto; border-collapse: collapse; margin: 0.75rem 0; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: 600; }
th, td { padding: 0.25rem 0.75rem 0.25rem 0; text-align: left; border-bottom: 1px solid #8886; }
.good { color: light-dark(#1c7a4b, #6fd3a0); }
.warn { color: light-dark(#8a5a00, #f0bf6a); }
.bad { color: light-dark(#b3382e, #ff9d92); }
svg { width: 100%; max-width: 40rem; }
@media (max-width: 640px) { p a { display: inline-block; padding: 0.7rem 0; } }
polyline { fill: none; stroke: light-dark(#3554c8, #8aa4ff); stroke-width: 2; }
.gap { fill: light-dark(#b3382e, #ff9d92); }
`
