import { expect, test } from 'vitest'
import { numberedAs } from './class-numbers.ts'

const model = { name: 'm', labels: ['ape', 'bee', 'cat'] }
const images = { count: 3, pixels: new Uint8Array(3), labels: Uint8Array.of(0, 1, 0) }
const numbered = (labels: readonly string[]): [readonly number[], readonly string[]] => {
  const told: string[] = []
  const { labels: numbers } = numberedAs(model, labels, images, (line) => told.push(line))
  return [[...numbers], told]
}

test('images have the numbers that a model gives their classes, also where the data lack one', () => {
  expect(numbered(['ape', 'bee', 'cat'])).toEqual([[0, 1, 0], []])
  expect(numbered(['bee', 'cat'])).toEqual([[1, 2, 1], []])
  expect(numbered(['cat', 'ape'])).toEqual([[2, 0, 2], []])
})

test('images of classes that a model does not know keep their numbers, which is told', () => {
  const line = 'm knows class 1 as "bee", the data set as "dog"; they are taken for the same'
  expect(numbered(['ape', 'dog'])).toEqual([[0, 1, 0], [line]])
})
