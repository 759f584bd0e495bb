import type { PolicyReport } from '../measure.ts'
import { POLICIES, type PolicyName } from '../policies/policy.ts'
import type { Violation } from '../referee.ts'
import type { SimulationReport } from '../simulate.ts'
import { answerTime, kilobytes, percent, protocolLine, table } from './format.ts'
import { peerNotes, peerTable } from './peers.ts'

/** A simulation as Markdown: what was simulated, one row per policy, how to repeat it. */
export function reportMarkdown(report: SimulationReport): string {
  const lines = [
    protocolLine(report),
    '',
    `# ${report.scenario}`,
    '',
    `${capital(report.about)}. ${report.peers} providers, ${report.requests} requests, seed ${report.seed}, trace \`${report.traceHash.slice(0, 16)}\`.`,
    '',
    ...table(
      [
        'policy',
        'answered',
        'partial',
        'top-1',
        'p50',
        'p95',
        'p99',
        'bytes/request',
        'gossip messages/request',
        'extra work',
        'wrong by liars',
        'audited again',
      ],
      policiesOf(report).map(([name, one]) => policyRow(name, one)),
    ),
    '',
    ...policiesOf(report).map(([name]) => `- **${name}**: ${POLICIES[name]}`),
    '',
    lanesLine(report),
  ]
  const peers = peerTable(policiesOf(report))
  lines.push('', '## Coming, being there, crashing', '', ...table(peers.head, peers.rows))
  lines.push('', ...peerNotes(Object.values(report.policies)).map((note) => `- ${note}`))
  lines.push(...attackTable(report))
  if (report.sizes.length > 0) lines.push('', ...sizesTable(report))
  const failures = policiesOf(report).flatMap(([name, { failures: codes }]) =>
    Object.entries(codes).map(([code, count]) => `- ${name}: ${count} × ${code}`),
  )
  if (failures.length > 0) lines.push('', '## Not answered', '', ...failures)
  lines.push('', '## Promises', '', ...promises(report))
  lines.push('', '## Repeat', '', '```sh', report.replay, '```')
  const changed = Object.entries(report.changed)
  if (changed.length > 0)
    lines.push('', '## Settings', '', ...changed.map(([name, value]) => `- \`${name}\` = ${value}`))
  return `${lines.join('\n')}\n`
}

/** What became of the requests during an attack and after it. */
function attackTable(report: SimulationReport): string[] {
  const rows = policiesOf(report).flatMap(([name, { attack }]) =>
    attack === null
      ? []
      : (['during', 'after'] as const).map((when) => {
          const { requests, answered, right, p50Ms, p95Ms } = attack[when]
          const hungUp =
            attack.hungUpMs === null ? 'never' : `${(attack.hungUpMs / 1_000).toFixed(1)} s`
          const times = [p50Ms, p95Ms].map((ms) => answerTime(ms, answered))
          return [name, when, `${answered} of ${requests}`, String(right), ...times, hungUp]
        }),
  )
  if (rows.length === 0) return []
  const head = [
    'policy',
    'the attack',
    'answered',
    'complete and right',
    'p50',
    'p95',
    'hung up on after',
  ]
  return ['', '## The attack', '', ...table(head, rows)]
}

/** How many groups the providers formed. */
function lanesLine(report: SimulationReport): string {
  const most = policiesOf(report).map(([name, { timeline }]) => {
    const lanes = timeline.reduce((top, moment) => Math.max(top, moment.lanes), 0)
    return `${lanes} (${name})`
  })
  return `Lanes at most at once: ${most.join(', ')}.`
}

/** The policies that ran, in the order of the tables. */
export function policiesOf(report: SimulationReport): [PolicyName, PolicyReport][] {
  return Object.entries(report.policies) as [PolicyName, PolicyReport][]
}

function policyRow(name: PolicyName, one: PolicyReport): string[] {
  return [
    name,
    percent(one.answeredShare),
    percent(one.partialShare),
    one.accuracy === null ? '–' : percent(one.accuracy),
    answerTime(one.p50Ms, one.answered),
    answerTime(one.p95Ms, one.answered),
    answerTime(one.p99Ms, one.answered),
    String(Math.round(one.bytesPerRequest)),
    one.messagesPerRequest.toFixed(1),
    percent(one.extraWorkShare),
    percent(one.wrongByLiars),
    one.audits.share === 0 ? '–' : percent(one.audits.share),
  ]
}

function sizesTable({ sizes }: SimulationReport): string[] {
  return [
    '## Growth',
    '',
    ...table(
      [
        'providers',
        'lanes',
        'answered',
        'p50',
        'p95',
        'presence kB/s per peer',
        'everything kB/s per peer',
      ],
      sizes.map((one) => [
        String(one.peers),
        String(one.lanes),
        percent(one.answeredShare),
        answerTime(one.p50Ms, one.answeredShare),
        answerTime(one.p95Ms, one.answeredShare),
        kilobytes(one.controlBytesPerPeerSecond),
        kilobytes(one.bytesPerPeerSecond),
      ]),
    ),
  ]
}

function promises(report: SimulationReport): string[] {
  if (report.broken === 0) return [`${checksOf(report)} checks, none broken.`]
  return brokenOf(report).map(
    ({ where, invariant, atMs, detail }) =>
      `- ${where}: **${invariant}** broken at ${Math.round(atMs)} ms: ${detail}`,
  )
}

/** Promises checked over all policies. */
export function checksOf(report: SimulationReport): number {
  return policiesOf(report).reduce((sum, [, one]) => sum + one.checks, 0)
}

/** Every broken promise, with the policy or the swarm size that broke it. */
export function brokenOf(report: SimulationReport): (Violation & { readonly where: string })[] {
  const smaller = report.sizes.filter(({ peers }) => peers !== report.peers)
  return [
    ...smaller.map(({ peers, violations }) => [`${peers} providers`, violations] as const),
    ...policiesOf(report).map(([name, { violations }]) => [name, violations] as const),
  ].flatMap(([where, violations]) => violations.map((one) => ({ where, ...one })))
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
