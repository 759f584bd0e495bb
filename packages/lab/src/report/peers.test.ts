import { expect, test } from 'vitest'
import { type PeerFigures, peerNotes, peerTable } from './peers.ts'

const QUIET: PeerFigures = { controlBytesPerPeerSecond: 1_460, newcomers: null, onlyCopy: null }
const NEWCOMERS = { stayed: 50, idleShare: 0.02, firstWorkP50Ms: 1_400, firstWorkP90Ms: 7_930 }

test('a policy has a row with its presence, its newcomers and how long they waited', () => {
  const { head, rows } = peerTable([
    ['ours', { ...QUIET, newcomers: NEWCOMERS }],
    ['idle', { ...QUIET, newcomers: { ...NEWCOMERS, idleShare: 1 } }],
    ['oracle', QUIET],
  ])
  expect(head).toHaveLength(5)
  expect(rows).toEqual([
    ['ours', '1.5', '2.0 % of 50', '1.4 s', '7.9 s'],
    ['idle', '1.5', '100.0 % of 50', '–', '–'],
    ['oracle', '1.5', '–', '–', '–'],
  ])
})

test('a column for the crash of the only copy is there when somebody crashed so', () => {
  const crashed = {
    ...QUIET,
    onlyCopy: { crashes: 20, answeredShare: 1, extraP50Ms: 312.4, extraP90Ms: 900 },
  }
  const better = {
    ...QUIET,
    onlyCopy: { crashes: 4, answeredShare: 0.75, extraP50Ms: -8, extraP90Ms: 1 },
  }
  const { head, rows } = peerTable([
    ['ours', crashed],
    ['other', better],
    ['chain', QUIET],
  ])
  expect(head.at(-1)).toBe('crash of the only copy')
  const cells = rows.map((row) => row.at(-1))
  expect(cells).toEqual(['+312 ms, p90 +900 ms (20)', '−8 ms, p90 +1 ms (4, 75.0 % answered)', '–'])
  expect(peerNotes([crashed, QUIET])).toHaveLength(peerNotes([QUIET]).length + 1)
})
