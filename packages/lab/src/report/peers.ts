import type { PolicyReport } from '../measure.ts'
import type { NewcomerReport } from '../newcomers.ts'
import type { OnlyCopyReport } from '../only-copy.ts'
import { kilobytes, percent } from './format.ts'

/** What of a policy's figures is about peers and not about requests. */
export type PeerFigures = Pick<PolicyReport, 'controlBytesPerPeerSecond' | 'newcomers' | 'onlyCopy'>

/** What peers say for being there, and what becomes of those who come and of those who crash: one row per policy. */
export function peerTable(named: readonly (readonly [string, PeerFigures])[]): {
  readonly head: string[]
  readonly rows: string[][]
} {
  const columns = peerColumns(named.map(([, one]) => one))
  return {
    head: ['policy', ...columns.map(({ head }) => head)],
    rows: named.map(([name, one]) => [name, ...columns.map(({ cell }) => cell(one))]),
  }
}

/** What the columns mean, for people; one line each. */
export function peerNotes(all: readonly PeerFigures[]): string[] {
  return [
    'Presence is what one peer sends of it per second, copies that it passes on included; it is no part of the bytes per request.',
    'Newcomers are honest providers that came while requests were asked, in whatever lane, and stayed for 10 s of that time or more; first work is from coming to the first layer run, of those that had one.',
    ...(hasCrashes(all)
      ? [
          'Crash of the only copy: how much longer a request took, at the median and at p90, whose newest tensor was lost with its only holder, right after that had told its step, than the other requests of the run; in parentheses how many. Servers of chains do not crash so.',
        ]
      : []),
  ]
}

/** A column of such a table, for tables that have others too. */
export interface PeerColumn {
  readonly head: string
  cell(one: PeerFigures): string
}

/** The crash of the only copy has a column where there is one. */
export function peerColumns(all: readonly PeerFigures[]): PeerColumn[] {
  const columns: PeerColumn[] = [
    {
      head: 'presence kB/s per peer',
      cell: ({ controlBytesPerPeerSecond }) => kilobytes(controlBytesPerPeerSecond),
    },
    { head: 'newcomers without work', cell: ({ newcomers }) => idleCell(newcomers) },
    { head: 'first work p50', cell: ({ newcomers }) => waitCell(newcomers, 'firstWorkP50Ms') },
    { head: 'first work p90', cell: ({ newcomers }) => waitCell(newcomers, 'firstWorkP90Ms') },
  ]
  if (hasCrashes(all))
    columns.push({ head: 'crash of the only copy', cell: ({ onlyCopy }) => crashCell(onlyCopy) })
  return columns
}

function hasCrashes(all: readonly PeerFigures[]): boolean {
  return all.some(({ onlyCopy }) => onlyCopy !== null)
}

function idleCell(newcomers: NewcomerReport | null): string {
  if (newcomers === null || newcomers.stayed === 0) return '–'
  return `${percent(newcomers.idleShare)} of ${newcomers.stayed}`
}

function waitCell(
  newcomers: NewcomerReport | null,
  which: 'firstWorkP50Ms' | 'firstWorkP90Ms',
): string {
  if (newcomers === null || newcomers.stayed === 0 || newcomers.idleShare === 1) return '–'
  return `${(newcomers[which] / 1_000).toFixed(1)} s`
}

function crashCell(onlyCopy: OnlyCopyReport | null): string {
  if (onlyCopy === null) return '–'
  const { crashes, answeredShare, extraP50Ms, extraP90Ms } = onlyCopy
  const unanswered = answeredShare === 1 ? '' : `, ${percent(answeredShare)} answered`
  return `${signed(extraP50Ms)}, p90 ${signed(extraP90Ms)} (${crashes}${unanswered})`
}

function signed(ms: number): string {
  return `${ms < 0 ? '−' : '+'}${Math.round(Math.abs(ms))} ms`
}
