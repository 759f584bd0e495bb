import type { Frame } from './animation.ts'
import { type AttackReport, attackOf } from './attack-report.ts'
import type { AuditReport } from './audit-report.ts'
import { type NewcomerReport, newcomersOf } from './newcomers.ts'
import { type OnlyCopyReport, onlyCopyOf } from './only-copy.ts'
import { quantile } from './quantile.ts'
import type { Violation } from './referee.ts'
import type { RequestRecord } from './request-record.ts'
import type { Moment, Stage } from './stage.ts'

/** What one policy did in one world. Shares are from 0 to 1. */
export interface PolicyReport {
  readonly requests: number
  readonly answered: number
  readonly answeredShare: number
  /** Of the answered ones, those with layers missing. */
  readonly partialShare: number
  /** Top-1 of the shipped model over the routes of all answers; null until `scoreReport` ran. */
  readonly accuracy: number | null
  readonly p50Ms: number
  readonly p95Ms: number
  readonly p99Ms: number
  readonly hopsPerRequest: number
  /** Peers that an answer went to, one after the other, or of which it took its rounds; null of a policy that does not count them. */
  readonly visitsPerRequest: number | null
  /** Steps, claims, done messages and tensors, every copy and overhead counted. */
  readonly bytesPerRequest: number
  /** Of those, what whoever asks sends: a hub, in rounds. */
  readonly askerBytesPerRequest: number
  /** Of the answered ones, those of which layers ran at once. */
  readonly inRoundsShare: number
  readonly messagesPerRequest: number
  /** Layer time that is in no answer. */
  readonly wastedComputeShare: number
  /** Layer runs beyond those in answers, per run in an answer. */
  readonly extraWorkShare: number
  /** Of the answered ones, those with a lie in them. */
  readonly wrongByLiars: number
  /** Zeros of a policy that audits nothing. */
  readonly audits: AuditReport
  /** Presence that one peer sends while requests are asked, bytes per second. */
  readonly controlBytesPerPeerSecond: number
  /** And everything that it sends. */
  readonly bytesPerPeerSecond: number
  /** Bytes that one peer sent per second it was there, over all peers. */
  readonly sentBytesPerPeerSecond: {
    readonly p50: number
    readonly p95: number
    readonly max: number
  }
  /** Null where no layer ran at all, as of the oracle. */
  readonly newcomers: NewcomerReport | null
  /** Null where nobody was made to crash with the only copy. */
  readonly onlyCopy: OnlyCopyReport | null
  /** Null where nobody attacks. */
  readonly attack: AttackReport | null
  readonly distinctOrders: number
  /** Unanswered requests by reason. */
  readonly failures: Readonly<Record<string, number>>
  /** Times of all answers at 101 points: entry i is the time of share i / 100, ms. */
  readonly latencyMs: readonly number[]
  readonly timeline: readonly Moment[]
  /** Layers in their order, one route per answer. */
  readonly routes: readonly (readonly number[])[]
  /** How many of them ran at once, round by round: empty for one after another; one per answer. */
  readonly rounds: readonly (readonly number[])[]
  /** Everything that was said about the most eventful request of the first ones. */
  readonly film: readonly Frame[]
  readonly traceHash: string
  readonly violations: readonly Violation[]
  readonly checks: number
  readonly events: number
  /** Seconds of virtual time. */
  readonly virtualSeconds: number
}

/** Reads the figures off a stage whose run is over. */
export function measure(stage: Stage): PolicyReport {
  const { records, network, book, peerSeconds, working } = stage
  const answers = records.filter(({ outcome }) => outcome === 'answered')
  const times = answers.map(({ atMs, endMs = atMs }) => endMs - atMs).sort((a, b) => a - b)
  const visits = sum(answers.map((one) => one.visits))
  const hops = sum(answers.map(({ route }) => route.length))
  const usefulMs = sum(answers.map((one) => one.usefulMs))
  const { traffic } = network
  const askers = stage.past.filter(({ session }) => session.actor === 'asker')
  const askerBytes = sum(askers.map((one) => one.traffic.sentBytes - one.traffic.controlBytes))
  const rates = stage.past
    .map(({ traffic: { sentBytes }, session }) => {
      const seconds = (Math.min(session.leaveMs, stage.clock.nowMs()) - session.joinMs) / 1_000
      return sentBytes / Math.max(1, seconds)
    })
    .sort((a, b) => a - b)
  return {
    requests: records.length,
    answered: answers.length,
    answeredShare: answers.length / Math.max(1, records.length),
    partialShare: share(answers, ({ missing }) => missing > 0),
    accuracy: null,
    p50Ms: quantile(times, 0.5),
    p95Ms: quantile(times, 0.95),
    p99Ms: quantile(times, 0.99),
    hopsPerRequest: hops / Math.max(1, answers.length),
    visitsPerRequest: visits === 0 ? null : visits / answers.length,
    bytesPerRequest: (traffic.requestBytes + traffic.pulledBytes) / Math.max(1, records.length),
    askerBytesPerRequest: askerBytes / Math.max(1, records.length),
    inRoundsShare: share(answers, ({ rounds }) => rounds.some((count) => count > 1)),
    messagesPerRequest: traffic.requestMessages / Math.max(1, records.length),
    wastedComputeShare: book.runMs === 0 ? 0 : Math.max(0, 1 - usefulMs / book.runMs),
    extraWorkShare: hops === 0 ? 0 : Math.max(0, book.runs / hops - 1),
    wrongByLiars: share(answers, ({ isWrong }) => isWrong),
    audits: stage.audits.report(),
    controlBytesPerPeerSecond: working.controlBytes / Math.max(1, peerSeconds),
    bytesPerPeerSecond: working.bytes / Math.max(1, peerSeconds),
    sentBytesPerPeerSecond: {
      p50: quantile(rates, 0.5),
      p95: quantile(rates, 0.95),
      max: rates.at(-1) ?? 0,
    },
    newcomers:
      book.runs === 0 ? null : newcomersOf(stage.lives, working.fromMs, records.at(-1)?.atMs ?? 0),
    onlyCopy: onlyCopyOf(records),
    attack: stage.settings['attack.kind'] === 0 ? null : attackOf(records, stage.hungUpMs),
    distinctOrders: new Set(answers.map(({ route }) => route.join())).size,
    failures: failuresOf(records),
    latencyMs: Array.from({ length: 101 }, (_, i) => quantile(times, i / 100)),
    timeline: stage.timeline,
    routes: answers.map(({ route }) => route),
    rounds: answers.map(({ rounds }) => rounds),
    film: stage.animation.best(),
    traceHash: stage.trace.hash(),
    violations: stage.referee.violations,
    checks: stage.referee.checks,
    events: stage.events,
    virtualSeconds: stage.clock.nowMs() / 1_000,
  }
}

function failuresOf(records: readonly RequestRecord[]): Record<string, number> {
  const failures: Record<string, number> = {}
  for (const { outcome = 'open' } of records)
    if (outcome !== 'answered') failures[outcome] = (failures[outcome] ?? 0) + 1
  return failures
}

function share<T>(items: readonly T[], holds: (item: T) => boolean): number {
  return items.length === 0 ? 0 : items.filter(holds).length / items.length
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
