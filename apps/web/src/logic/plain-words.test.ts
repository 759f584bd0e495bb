import { SwarmError } from '@layerswarm/swarm'
import { expect, test } from 'vitest'
import { engineWord, knowsText, noAnswerText, noJoinText, sentence } from './plain-words.ts'

const FAULTS: SwarmError['fault'][] = [
  { code: 'no-providers' },
  { code: 'cancelled' },
  { code: 'stem-failed', reason: 'the stem session is gone' },
  { code: 'head-failed', reason: 'x' },
  { code: 'too-few-layers', applied: 2, wanted: 3, missing: { what: 'takers' } },
  ...(
    [
      { what: 'stem' },
      { what: 'hosts', layers: [3, 4] },
      { what: 'news' },
      { what: 'replies', peers: ['a'] },
      { what: 'takers' },
      { what: 'result', peer: 'a' },
      { what: 'head', reason: undefined },
      { what: 'time', peer: 'a' },
    ] as const
  ).map((missing) => ({ code: 'deadline-passed' as const, deadlineMs: 20_000, hops: 1, missing })),
]

test.each(FAULTS)('$code is told without the words of those who built it', (fault) => {
  const text = noAnswerText(new SwarmError(fault, 'no answer: the stem'))
  expect(text).not.toMatch(/stem|deadline|bootstrap|layerswarm peer|undefined/)
  expect(text).toMatch(/^[A-Z].*\.$/)
})

test.each(['no-engine', 'compute-failed', 'unreachable', 'part-unavailable'])(
  'a tab that could not join, %s, is told so without the words of those who built it',
  (code) => {
    const error = Object.assign(new Error('ort-wasm: http://a/bootstrap.json'), { fault: { code } })
    expect(noJoinText(error)).not.toMatch(/ort-|http|bootstrap/)
  },
)

test('any other reason is told as it is', () => {
  expect(noJoinText(new Error('the key is not one of this swarm'))).toBe(
    'The key is not one of this swarm',
  )
  expect(noJoinText('x')).toBe('x')
})

test('a file keeps its name at the beginning of a line', () => {
  expect(sentence('photo.png is no picture.')).toBe('photo.png is no picture.')
  expect(sentence('http://a/ is away')).toBe('http://a/ is away')
  expect(sentence('the server is away')).toBe('The server is away')
})

test('engines are processors or graphics cards', () => {
  expect(['ort-wasm', 'ort-webgpu', undefined].map(engineWord)).toEqual([
    'processor',
    'graphics card',
    '–',
  ])
})

test('what a model knows names some classes and counts the others', () => {
  expect(knowsText(['cat', 'dog'])).toContain('The model knows 2 kinds of picture: cat, dog.')
  const many = Array.from({ length: 100 }, (_, index) => `class ${index}`)
  expect(knowsText(many)).toContain('class 11 and 88 more.')
})
