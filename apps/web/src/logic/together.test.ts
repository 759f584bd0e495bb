import { expect, test } from 'vitest'
import { ownLayerMs, togetherText } from './together.ts'

const here = {
  peerId: 'me',
  backend: 'ort-wasm',
  engines: [{ engine: 'ort-wasm', layerMs: 94, refused: undefined }],
  ...{ served: 0, layerMs: 7 },
} as const
const hops = (...peers: string[]) => peers.map((peer) => ({ peer, ms: peer === 'me' ? 100 : 1 }))
const plain = (text: string | undefined) => text?.replaceAll('\u202f', ' ')

test('an answer in rounds is set beside what this tab alone would take, by its own layers', () => {
  const route = hops('me', 'a', 'b', 'c', 'me', 'a', 'b', 'c')
  const answer = { route, rounds: [4, 4], totalMs: 341 }
  expect(plain(togetherText(answer, here))).toBe(
    '4 peers at once, 0.34 s; this tab alone: 0.80 s, at 100 ms a layer as measured here',
  )
})

test('a tab that ran nothing of it takes what it ran for others, or the trial of its engine', () => {
  const answer = { route: hops('a', 'b'), rounds: [2], totalMs: 1 }
  expect(ownLayerMs(answer, here)).toBe(94)
  expect(ownLayerMs(answer, { ...here, served: 3 })).toBe(7)
  const route = hops(...Array.from({ length: 12 }, (_, i) => `p${i % 4}`))
  expect(plain(togetherText({ route, rounds: [12], totalMs: 34 }, here))).toContain(
    '4 peers at once, 34 ms; this tab alone: 1.1 s, at 94 ms',
  )
})

test('nothing is said that was not measured', () => {
  const route = hops('a', 'b')
  expect(togetherText({ route, rounds: [], totalMs: 9 }, here)).toBeUndefined()
  expect(togetherText({ route, rounds: [2], totalMs: 9 }, { ...here, engines: [] })).toBeUndefined()
  const own = { route: hops('me', 'me'), rounds: [2], totalMs: 9 }
  expect(togetherText(own, here)).toBeUndefined()
})
