import { describe, expect, test } from 'vitest'
import { directHandOver } from './claims/direct.ts'
import { gossip } from './claims/gossip.ts'
import type { ClaimPolicy } from './claims/policy.ts'
import { POLICY_DEFAULT } from './core-options.ts'
import {
  type DispatchedProvider,
  type DispatchedRequester,
  type DispatchedRounds,
  Dispatcher,
} from './dispatcher.ts'
import type { Effect } from './effects.ts'
import { Fetches } from './fetch/fetches.ts'
import { anyStep, heldTensor, hopsBy } from './testing/any-step.ts'
import { loneView } from './testing/lone-view.ts'
import type { Claim, Done, PeerId, TensorHash } from './wire/messages.ts'

const self = 'self' as PeerId
const other = 'other' as PeerId
const told = 'told of it' as PeerId
const { request } = anyStep()
const step = anyStep({ requester: self, route: hopsBy(other, 1), activation: heldTensor(other) })
const claim: Claim = {
  kind: 'claim',
  request,
  era: 0,
  hop: 1,
  layer: 2,
  ttlMs: 100,
  lost: false,
}

/** A dispatcher whose two parts say nothing, and what they were asked, in its order. */
function dispatcher(policy: ClaimPolicy = POLICY_DEFAULT) {
  const asked: string[] = []
  const note = (what: string) => (): Effect[] => {
    asked.push(what)
    return []
  }
  const from = (what: string) => (peer: PeerId) => note(`${what} ${peer}`)()
  const provider: DispatchedProvider = {
    onStep: from('provider: step of'),
    onClaim: from('provider: claim of'),
    onDone: from('provider: done of'),
    onAgain: from('provider: again of'),
    visits: {
      onPulled: note('provider: pulled'),
      onPrepared: note('provider: prepared'),
    },
    lead: note('provider: lead'),
    finish: () => {
      asked.push('provider: finish')
      return { told: [told, self], effects: [{ do: 'withdraw', hash: 'h' as TensorHash }] }
    },
  }
  const requester: DispatchedRequester = {
    onStep: from('requester: step of'),
    onClaim: from('requester: claim of'),
    onLate: from('requester: late'),
    onHint: from('requester: hint of'),
    onPulled: note('requester: pulled'),
    onPrepared: note('requester: prepared'),
    goOn: note('requester: goes on'),
  }
  const rounds: DispatchedRounds = {
    onRound: from('rounds: round of'),
    onUpdate: from('rounds: update of'),
    onDone: from('rounds: done of'),
    onPulled: note('rounds: pulled'),
    onPrepared: note('rounds: prepared'),
    recount: note('rounds: recount'),
    abandon: note('rounds: abandon'),
    distrust: note('rounds: distrust'),
  }
  const shape = { layers: 4, tokens: 5, width: 8 }
  const fetches = new Fetches(self, loneView(self, [other], 20).ways)
  const options = { self, shape, policy }
  return { asked, dispatcher: new Dispatcher(options, provider, requester, rounds, fetches) }
}

describe('what somebody else says of a request', () => {
  test('is heard by provider and requester, and reported', () => {
    const { asked, dispatcher: one } = dispatcher()
    expect(one.hear(other, step, 0)).toMatchObject([
      { do: 'report', event: { type: 'step-seen', request } },
    ])
    one.hear(other, claim, 0)
    expect(asked).toEqual([
      'provider: step of other',
      'requester: step of other',
      'requester: late other',
      'provider: claim of other',
      'requester: claim of other',
      'requester: late other',
    ])
  })

  test('is reported and goes no further where it breaks the rules for steps', () => {
    const { asked, dispatcher: one } = dispatcher()
    const broken = { ...step, route: hopsBy(other, 5) }
    expect(one.hear(other, broken, 0)).toMatchObject([
      { do: 'report', event: { type: 'message-refused', from: other } },
    ])
    expect(asked).toEqual([])
  })
})

describe('what the member says itself', () => {
  test('goes through the same handlers when it is published, but for its claim, which its provider made', () => {
    const { asked, dispatcher: one } = dispatcher()
    const settled = one.settle(
      [
        { do: 'publish', message: step },
        { do: 'publish', message: claim },
      ],
      0,
    )
    expect(settled.map((effect) => effect.do)).toEqual(['publish', 'publish', 'report'])
    expect(asked).toEqual([
      'provider: step of self',
      'requester: step of self',
      'requester: late self',
      'requester: claim of self',
      'requester: late self',
    ])
  })

  test('is heard by its requester alone when it tells a few', () => {
    const { asked, dispatcher: one } = dispatcher()
    const done: Done = { kind: 'done', request, isPublic: false }
    const queue = [step, claim, done].map(
      (message) => ({ do: 'tell', message, to: [other] }) as const,
    )
    expect(one.settle([...queue], 0)).toEqual(queue)
    expect(asked).toEqual(['requester: step of self', 'requester: claim of self'])
  })

  test('is settled when none of it is for another part any more', () => {
    const { asked, dispatcher: one } = dispatcher()
    const settled = one.settle(
      [
        { do: 'lead', step, suspect: undefined },
        { do: 'finish', step, isPublic: false },
      ],
      0,
    )
    expect(asked).toEqual(['provider: lead', 'provider: finish'])
    expect(settled.map((effect) => effect.do)).toEqual(['withdraw', 'tell'])
  })
})

describe('the end of a request of its own', () => {
  const ended = (policy: ClaimPolicy, isPublic: boolean) =>
    dispatcher(policy)
      .dispatcher.settle([{ do: 'finish', step, isPublic }], 0)
      .filter((effect) => effect.do === 'tell' || effect.do === 'publish')

  test('is told to whoever ran it and whoever else was told of it, and not to itself', () => {
    const message = { kind: 'done', request, isPublic: false }
    expect(ended(directHandOver('few'), false)).toEqual([
      { do: 'tell', message, to: [other, told] },
    ])
  })

  test('is published where the lane may follow it: it was left to all, or all are witnesses', () => {
    const kinds = (policy: ClaimPolicy, isPublic: boolean) =>
      ended(policy, isPublic).map((effect) => effect.do)
    expect(kinds(directHandOver('few'), true)).toEqual(['tell', 'publish'])
    expect(kinds(directHandOver('lane'), false)).toEqual(['tell', 'publish'])
    expect(kinds(gossip, false)).toEqual(['tell', 'publish'])
  })
})

test('the end of a job goes to whoever began it', () => {
  const { asked, dispatcher: one } = dispatcher()
  for (const owner of ['provider', 'scoring', 'second-offer'] as const) {
    one.onPulled({ owner, number: 1 }, undefined, 0)
    one.onPrepared({ owner, number: 1 }, undefined, 0)
  }
  expect(asked.map((line) => line.split(':')[0])).toEqual([
    'provider',
    'provider',
    'requester',
    'requester',
    'requester',
    'requester',
  ])
})

describe('a tensor that does not come in time', () => {
  const pull = (owner: 'provider' | 'scoring') =>
    ({
      do: 'pull',
      job: { owner, number: 1 },
      tensor: heldTensor(other),
      isAwaited: false,
    }) as const

  test.each([
    ['provider', 'provider: pulled'],
    ['scoring', 'requester: pulled'],
  ] as const)('is lost to whoever waits for it: %s', (owner, heard) => {
    const { asked, dispatcher: one } = dispatcher()
    expect(one.settle([pull(owner)], 0)).toEqual([pull(owner)])
    const atMs = one.wakeAtMs()
    expect(one.onTime(atMs - 1)).toEqual([])
    expect(one.onTime(atMs)).toEqual([{ do: 'cancel', job: pull(owner).job }])
    expect(asked).toEqual([heard])
  })

  test('is nobody’s to miss once it is here, or once nobody wants it', () => {
    const { asked, dispatcher: one } = dispatcher()
    one.settle([pull('provider')], 0)
    one.onPulled(pull('provider').job, new Uint8Array(80), 10)
    one.settle([pull('scoring'), { do: 'cancel', job: pull('scoring').job }], 20)
    expect(one.wakeAtMs()).toBe(Number.POSITIVE_INFINITY)
    expect(asked).toEqual(['provider: pulled'])
  })
})
