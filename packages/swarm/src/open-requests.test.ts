import { expect, test } from 'vitest'
import type { MemberEvent } from './effects.ts'
import { OpenRequests } from './open-requests.ts'
import type { Answer, Progress } from './request.ts'
import type { RequestId } from './wire/messages.ts'

const first = '1'.repeat(32) as RequestId
const second = '2'.repeat(32) as RequestId

const answered = (request: RequestId): MemberEvent => {
  const answer: Answer = {
    request,
    logits: [],
    probabilities: [],
    route: [],
    rounds: [],
    missingLayers: [],
    checked: { layers: [], doubted: [] },
    totalMs: 1,
  }
  return { type: 'answered', answer }
}
const failed = (request: RequestId): MemberEvent => {
  return { type: 'failed', request, fault: { code: 'no-providers' } }
}

test('a promise is kept or broken by the event that ends its own request, and by no later one', async () => {
  const requests = new OpenRequests()
  const kept = requests.promise(first, new Set())
  const broken = requests.promise(second, new Set())
  for (const event of [answered(first), failed(first), failed(second), answered(second)])
    requests.heard(event)
  await expect(kept).resolves.toMatchObject({ request: first })
  await expect(broken).rejects.toMatchObject({ code: 'no-providers' })
})

test('a request is open until it has ended, whether somebody waits for a promise or for the event', () => {
  const requests = new OpenRequests()
  requests.note(second)
  void requests.promise(first, new Set())
  expect(requests.all()).toEqual([first, second])
  requests.heard(answered(first))
  expect(requests.all()).toEqual([second])
  requests.heard(failed(second))
  expect(requests.all()).toEqual([])
})

test('whoever listens hears of the progress of that request and of no other', () => {
  const requests = new OpenRequests()
  const heard: Progress[] = []
  void requests.promise(first, new Set([(progress: Progress) => heard.push(progress)]))
  for (const request of [first, second])
    requests.heard({
      type: 'progressed',
      request,
      route: [],
      rounds: [],
      probabilities: undefined,
      scoredHops: 0,
    })
  expect(heard.map(({ request }) => request)).toEqual([first])
})
