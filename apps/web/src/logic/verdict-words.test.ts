import type { Confirmation } from '@layerswarm/swarm'
import { expect, test } from 'vitest'
import { confirmedText, mixedText, novelText } from './verdict-words.ts'

const answers = [{}, {}] as unknown as Confirmation['answers']
const found = (more: Partial<Confirmation>): Confirmation => ({
  ...{ outcome: 'agreed', answers, believed: answers, sharedPeers: [], failure: undefined },
  ...more,
})

test('an answer says what became of asking twice, and who was in both orders', () => {
  expect(confirmedText(found({}))).toMatch(/both agree\. No peer had a part in more than one\.$/)
  const peer = 'p' as Confirmation['sharedPeers'][number]
  expect(confirmedText(found({ outcome: 'outvoted', sharedPeers: [peer] }))).toMatch(
    /a third decided\. One peer had a part in more than one\.$/,
  )
  const failure = 'no time was left to ask again'
  const alone = { outcome: 'unconfirmed', answers: answers.slice(0, 1), failure } as const
  expect(confirmedText(found(alone))).toBe('Not confirmed: no time was left to ask again.')
})

test('layers of another release are named', () => {
  const weights = 'a1'.repeat(32)
  expect(mixedText([{ layer: 3 }, { layer: 0 }])).toBeUndefined()
  expect(mixedText([{ layer: 3, weights }, { layer: 0 }])).toMatch(
    /^Layer 3 was of another version/,
  )
  expect(
    mixedText([
      { layer: 3, weights },
      { layer: 0, weights },
    ]),
  ).toMatch(/^Layers 0 and 3 were of another version/)
})

test('only what is unlike all training is said to be', () => {
  const verdict = { novel: false, score: -2, threshold: -1, orders: 1 }
  expect(novelText(undefined)).toBeUndefined()
  expect(novelText(verdict)).toBeUndefined()
  expect(novelText({ ...verdict, novel: true })).toMatch(/^Unlike anything I was trained on/)
})
