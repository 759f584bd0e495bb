import { barPlot, escapeXml, linePlot, short } from '@layerswarm/figures'
import type { ChurnReport } from '../churn.ts'
import type { PolicyReport } from '../measure.ts'
import { POLICIES } from '../policies/policy.ts'
import { aboutSetting, type SettingName } from '../scenarios/settings.ts'
import type { SimulationReport } from '../simulate.ts'
import { churnPlot } from './churn.ts'
import { filmSection } from './film.ts'
import { answerTime, htmlTable, percent, protocolLine } from './format.ts'
import { brokenOf, checksOf, policiesOf } from './markdown.ts'
import { peerNotes, peerTable } from './peers.ts'
import { REPORT_STYLE } from './style.ts'

/**
 * A simulation as one HTML page that needs nothing else: plots as SVG, and one request played back
 * message by message.
 * @param churn adds the plot of accuracy and completion against churn.
 */
export function reportHtml(report: SimulationReport, churn?: ChurnReport): string {
  const title = `${report.scenario}: ${report.peers} providers, ${report.requests} requests`
  const film = policiesOf(report).find(([, one]) => one.film.length > 0)?.[1].film ?? []
  return [
    '<!doctype html><html lang="en"><head><meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width,initial-scale=1">',
    `<title>${escapeXml(title)}</title><style>${REPORT_STYLE}</style></head><body><main>`,
    `<p>${escapeXml(protocolLine(churn ?? report))}</p>`,
    ...(churn === undefined ? [] : [figures('wide', [churnPlot(churn)])]),
    `<header><h1>${escapeXml(title)}</h1><p>${escapeXml(report.about)} · seed ${report.seed} · trace <code>${escapeXml(report.traceHash.slice(0, 16))}</code></p></header>`,
    summary(report),
    peers(report),
    figures('wide', [latencyPlot(report)]),
    figures('pair', [...barPlots(report), ...timelinePlots(report)]),
    figures('wide', [growthPlot(report)]),
    filmSection(film),
    unanswered(report),
    promises(report),
    legend(report),
    `<section><h2>Repeat</h2><pre>${escapeXml(churn?.replay ?? report.replay)}</pre></section>`,
    '</main></body></html>',
  ].join('\n')
}

function figures(kind: 'wide' | 'pair', plots: readonly string[]): string {
  const shown = plots.filter((plot) => plot !== '')
  if (shown.length === 0) return ''
  return `<div class="${kind}">${shown.map((plot) => `<figure>${plot}</figure>`).join('\n')}</div>`
}

function summary(report: SimulationReport): string {
  const head = [
    'policy',
    'answered',
    'partial',
    'top-1',
    'p50',
    'p95',
    'bytes / request',
    'extra work',
    'wasted compute',
    'wrong by liars',
    'audited again',
  ]
  const rows = policiesOf(report).map(([name, one]) => [
    name,
    percent(one.answeredShare),
    percent(one.partialShare),
    one.accuracy === null ? '–' : percent(one.accuracy),
    answerTime(one.p50Ms, one.answered),
    answerTime(one.p95Ms, one.answered),
    short(one.bytesPerRequest),
    percent(one.extraWorkShare),
    percent(one.wastedComputeShare),
    percent(one.wrongByLiars),
    one.audits.share === 0 ? '–' : percent(one.audits.share),
  ])
  return `<section>${htmlTable(head, rows)}</section>`
}

/** What peers say for being there, and what becomes of those who come and crash. */
function peers(report: SimulationReport): string {
  const { head, rows } = peerTable(policiesOf(report))
  const notes = peerNotes(Object.values(report.policies)).map(
    (note) => `<li>${escapeXml(note)}</li>`,
  )
  return `<section><h2>Coming, being there, crashing</h2>${htmlTable(head, rows)}<ul>${notes.join('')}</ul></section>`
}

/** Answered, and rightly: null where the accuracy is not known. */
function rightly(one: PolicyReport): number | null {
  if (one.answered === 0) return 0
  return one.accuracy === null ? null : one.answeredShare * one.accuracy
}

/** Policies beside each other; a single one has its figures in the table. */
function barPlots(report: SimulationReport): string[] {
  if (policiesOf(report).length < 2) return []
  const scored = policiesOf(report).flatMap(([name, one]) => {
    const share = rightly(one)
    return share === null ? [] : [[name, share] as const]
  })
  const isScored = policiesOf(report).some(([, { accuracy }]) => accuracy !== null)
  const bars = (of: (one: ReturnType<typeof policiesOf>[number][1]) => number) =>
    policiesOf(report).map(([name, one]) => [name, of(one)] as const)
  return [
    barPlot(
      { title: 'Answered', y: 'share of requests', yMax: 1, percent: true },
      bars((one) => one.answeredShare),
    ),
    isScored
      ? barPlot(
          {
            title: 'Answered rightly: accuracy × completion',
            y: 'share of requests',
            yMax: 1,
            percent: true,
          },
          scored,
        )
      : '',
    barPlot(
      { title: '95 % of the answers came within', y: 'milliseconds' },
      bars((one) => one.p95Ms),
    ),
    barPlot(
      { title: 'Wasted compute', y: 'share of layer time', percent: true },
      bars((one) => one.wastedComputeShare),
    ),
    barPlot(
      { title: 'Bytes per request', y: 'bytes, all copies' },
      bars((one) => one.bytesPerRequest),
    ),
    barPlot(
      { title: 'Sent by the median peer', y: 'bytes per second' },
      bars((one) => one.sentBytesPerPeerSecond.p50),
    ),
  ]
}

function latencyPlot(report: SimulationReport): string {
  const answering = policiesOf(report).filter(([, one]) => one.answered > 0)
  const lastMs = Math.max(...answering.map(([, one]) => one.latencyMs.at(-1) ?? 0))
  return linePlot({
    title: 'Requests answered within a time',
    x: 'milliseconds',
    y: 'share of all requests',
    yMax: 1,
    percent: true,
    logX: true,
    series: answering.map(([name, one]) => ({
      name,
      points: [
        ...one.latencyMs.map((ms, i) => [ms, (i / 100) * one.answeredShare] as const),
        [lastMs, one.answeredShare] as const,
      ],
    })),
  })
}

/** Peers come and go alike under every policy; how many requests are open at a time differs. */
function timelinePlots(report: SimulationReport): string[] {
  const policies = policiesOf(report)
  const first = policies[0]?.[1]
  if (first === undefined) return []
  type Moment = (typeof first.timeline)[number]
  const per = (timeline: readonly Moment[], of: (moment: Moment) => number) =>
    timeline.map((moment) => [moment.atMs / 1_000, of(moment)] as const)
  return [
    linePlot({
      title: 'Coverage: hosts of the rarest layer',
      x: 'seconds',
      y: 'hosts, mean of the lanes',
      series: [{ name: 'rarest layer', points: per(first.timeline, ({ rarest }) => rarest) }],
    }),
    linePlot({
      title: 'Providers that are there and awake',
      x: 'seconds',
      y: 'providers',
      series: [{ name: 'providers', points: per(first.timeline, ({ peers }) => peers) }],
    }),
    linePlot({
      title: 'Requests without an answer yet',
      x: 'seconds',
      y: 'open requests',
      series: policies.map(([name, { timeline }]) => ({
        name,
        points: per(timeline, ({ openRequests }) => openRequests),
      })),
    }),
  ]
}

function growthPlot({ sizes }: SimulationReport): string {
  if (sizes.length < 2) return ''
  return linePlot({
    title: 'What one peer sends while the swarm grows',
    x: 'providers',
    y: 'bytes per second',
    logX: true,
    series: [
      {
        name: 'control traffic (presence)',
        points: sizes.map((one) => [one.peers, one.controlBytesPerPeerSecond]),
      },
      {
        name: 'everything',
        points: sizes.map((one) => [one.peers, one.bytesPerPeerSecond]),
      },
    ],
  })
}

function promises(report: SimulationReport): string {
  const broken = brokenOf(report).map(
    ({ where, invariant, atMs, detail }) =>
      `<li>${escapeXml(`${where}: ${invariant} at ${Math.round(atMs)} ms: ${detail}`)}</li>`,
  )
  const verdict =
    report.broken === 0 ? `${checksOf(report)} checks, none broken.` : `${report.broken} broken:`
  return `<section><h2>Promises</h2><p>${verdict}</p>${broken.length === 0 ? '' : `<ul>${broken.join('')}</ul>`}</section>`
}

function unanswered(report: SimulationReport): string {
  const lines = policiesOf(report).flatMap(([name, { failures }]) =>
    Object.entries(failures).map(
      ([code, count]) => `<li>${escapeXml(`${name}: ${count} × ${code}`)}</li>`,
    ),
  )
  if (lines.length === 0) return ''
  return `<section><h2>Not answered</h2><ul>${lines.join('')}</ul></section>`
}

/** What the policies are, and what makes this world differ from the default one. */
function legend(report: SimulationReport): string {
  const policies = policiesOf(report).map(
    ([name]) => `<dt>${escapeXml(name)}</dt><dd>${escapeXml(POLICIES[name])}</dd>`,
  )
  const settings = (Object.entries(report.changed) as [SettingName, number][]).map(
    ([name, value]) =>
      `<dt><code>${escapeXml(`${name} = ${value}`)}</code></dt><dd>${escapeXml(aboutSetting(name))}</dd>`,
  )
  return [
    `<section><h2>Policies</h2><dl>${policies.join('')}</dl></section>`,
    `<section><h2>Settings that are not the default</h2><dl>${settings.join('')}</dl></section>`,
  ].join('\n')
}
