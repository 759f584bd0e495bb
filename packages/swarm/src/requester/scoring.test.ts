import { expect, test } from 'vitest'
import { Jobs } from '../jobs.ts'
import { anyStep, hopsBy, inlineTensor } from '../testing/any-step.ts'
import type { PeerId, Step } from '../wire/messages.ts'
import { Scoring } from './scoring.ts'

const self = 'requester' as PeerId
const after = (hops: number): Step =>
  anyStep({
    route: hopsBy('provider' as PeerId, hops),
    activation: { ...inlineTensor, bytes: new Uint8Array(80).fill(hops) },
  })

function scored(scoring: Scoring, step: Step): void {
  const effect = scoring.begin(step, 0)
  if (effect.do !== 'run-head') throw new Error('its tensor is inline')
  scoring.ran(effect.job, { logits: [[step.route.length]] }, 1)
}

test('a step that an earlier scored one supersedes is known to be scored', () => {
  const scoring = new Scoring(self, new Jobs().of('scoring'))
  const [short, long] = [after(1), after(2)]
  scored(scoring, long)
  scored(scoring, short)
  expect(scoring.ofStep(short)?.logits).toEqual([[1]])
  expect(scoring.ofStep(long)?.logits).toEqual([[2]])
  expect(scoring.bestOf(short.request)?.step).toEqual(long)
})
