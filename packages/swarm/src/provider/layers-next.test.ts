import { expect, test } from 'vitest'
import { anyStep, stepAfter } from '../testing/any-step.ts'
import type { PeerId } from '../wire/messages.ts'
import { layersNext } from './layers-next.ts'

const requester = 'requester' as PeerId
const isEven = (layer: number): boolean => layer % 2 === 0

test('without a plan a host may run all of its layers that are open', () => {
  expect(layersNext(anyStep({ requester }), 6, isEven)).toEqual([0, 2, 4])
  const { layer } = stepAfter(['a' as PeerId], { requester }).route[0] ?? { layer: -1 }
  expect(layersNext(stepAfter(['a' as PeerId], { requester }), 6, (one) => one <= 2)).toEqual(
    [0, 1, 2].filter((one) => one !== layer),
  )
})

test('of a plan a host may run the layers that follow one another from the next one on', () => {
  const plan = [2, 0, 3, 4]
  expect(layersNext(anyStep({ requester, plan }), 6, isEven)).toEqual([2, 0])
  expect(layersNext(anyStep({ requester, plan: [4, 2] }), 6, isEven)).toEqual([4, 2])
  expect(layersNext(anyStep({ requester, plan: [1, 2] }), 6, isEven)).toEqual([])
})
