import type { PeerEvent } from '@layerswarm/peer'
import type { Answer } from '@layerswarm/swarm'
import { expect, test } from 'vitest'
import { CheckBook, checkedLines, laterLines } from './check-book.ts'

const request = 'r' as Answer['request']
const none = { layers: [], doubted: [] }
const orders = [[2, 0, 1]]

test('what audits find after an answer takes the place of what was known then', () => {
  let happen: (event: PeerEvent) => void = () => undefined
  const book = new CheckBook({
    on: (listener) => {
      happen = listener
      return () => true
    },
  })
  const verdict = { requests: [request], checked: [none] }
  expect(book.of(verdict)).toEqual([none])
  const checked = { layers: [2], doubted: [0] }
  happen({ type: 'answer-checked', request, checked })
  expect(book.of(verdict)).toEqual([checked])
})

test('lines for people count what was checked and name what is doubted', () => {
  expect(checkedLines({ checked: [none], orders })).toEqual(['no layer was checked by others yet'])
  expect(checkedLines({ checked: [{ layers: [2, 0], doubted: [] }], orders })).toEqual([
    '2 of 3 layers checked by others',
  ])
  const before = [{ image: 'a.png', checked: [none], orders }]
  const after = [{ image: 'a.png', checked: [{ layers: [], doubted: [0, 1] }], orders }]
  expect(laterLines(before, before)).toEqual([])
  expect(laterLines(before, after)).toEqual([
    'a.png, since: no layer was checked by others yet; DOUBTED: layers 0, 1, run by peers that lied',
  ])
})
