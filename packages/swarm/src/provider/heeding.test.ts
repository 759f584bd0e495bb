import { describe, expect, test } from 'vitest'
import type { Effect } from '../effects.ts'
import { heldTensor, stepAfter } from '../testing/any-step.ts'
import { loneProvider } from '../testing/lone-provider.ts'
import type { PeerId, RequestId, Step } from '../wire/messages.ts'

const self = 'self' as PeerId
const first = 'first' as PeerId
const next = 'next' as PeerId
const requester = 'requester' as PeerId

const given = stepAfter([first], { requester })
const lone = () => loneProvider(self, [first, next, requester])
const does = (effects: readonly Effect[]) => effects.map((effect) => effect.do)

describe('a step', () => {
  test('that names a provider for work that it has in hand changes nothing', () => {
    const one = lone()
    let effects = one.onStep(first, given, 0)
    while (!does(effects).includes('pull') && one.wakeAtMs() < 1_000)
      effects = one.onTime(one.wakeAtMs())
    expect(does(effects)).toContain('pull')
    expect(one.onStep(requester, { ...given, next: self }, 100)).toEqual([])
    expect(one.throughput.state().running).toBe(1)
  })

  test('in this member’s own name that it has not said is nobody’s', () => {
    const one = lone()
    expect(one.onStep(first, stepAfter([first], { requester: self, next: self }), 0)).toEqual([])
    expect(one.followed).toBe(0)
  })

  test('that completes a request of this member’s own needs no passing on', () => {
    const one = lone()
    const asked: Step = stepAfter([], { requester: self, plan: [2] })
    one.lead(asked, undefined, 0)
    const route = [{ layer: 2, peer: next, backend: 'reference' as const, ms: 1 }]
    const answered = { ...asked, route, activation: heldTensor(next, 'last'), next: self }
    expect(does(one.onStep(next, answered, 50))).toEqual([])
    expect(one.throughput.state().running).toBe(0)
  })

  test('waits no longer than a rest does, however that is shortened', () => {
    const one = loneProvider(self, [first, next, requester], { timeShare: 0.1 })
    const pull = one.onStep(first, { ...given, next: self }, 0)[0]
    const { job } = pull as Extract<Effect, { do: 'pull' }>
    const bytes = new Uint8Array(80)
    one.visits.onPulled(job, bytes, 0)
    const activation = { dtype: 'float16' as const, shape: [1, 5, 8] as const, bytes }
    one.visits.onLayerRun(job, { activation, ms: 300 }, 300)
    one.visits.onPrepared(job, heldTensor(self, 'made'), 300)
    one.onDone(requester, { kind: 'done', request: given.request, isPublic: false }, 300)
    one.onStep(first, { ...given, request: '2'.repeat(32) as RequestId }, 310)
    expect(one.wakeAtMs()).toBeGreaterThan(2_500)
    expect(does(one.setTimeShare(1, 320))).toContain('pull')
  })
})
