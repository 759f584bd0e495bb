import { expect, test } from 'vitest'
import { RUNS_SHORT } from '../fuzz/member/limits.ts'
import { drawTrace, fewest, isFailure, type MemberTrace, play } from '../fuzz/member/run-member.ts'

test('a member keeps its promises among hostile peers and failing ports', {
  timeout: 300_000,
}, () => {
  let answered = 0
  for (let run = 0; run < RUNS_SHORT; run++) {
    const trace = drawTrace(1, run)
    const outcome = play(trace)
    if (isFailure(outcome)) {
      const { kind } = outcome
      expect.fail(`run ${run}: ${kind}\n${JSON.stringify(fewest(trace, kind), null, 1)}`)
    }
    answered += outcome.answered
  }
  // Those at the end of each run, and most of those before.
  expect(answered).toBeGreaterThan(2 * RUNS_SHORT)
})

test('a run repeats exactly', () => {
  expect(play(drawTrace(2, 7))).toEqual(play(drawTrace(2, 7)))
})

/** What was found, as it was made small. */
const FOUND: readonly (readonly [string, MemberTrace])[] = [
  [
    'a bid that was planned while nobody was named',
    {
      ...{ seed: 1, isLarge: false, isLong: false, policy: 'direct-few' },
      actions: [
        say(4, true, {
          make: 'first',
          request: 15,
          deadlineMs: 5_000,
          holds: false,
          toSubject: false,
          plan: 2,
        }),
        say(2, true, { make: 'advance', at: 0, layers: 2, holds: true, next: 'itself' }),
      ],
    },
  ],
  [
    'a step that somebody else is named for, who is silent',
    {
      ...{ seed: 1, isLarge: true, isLong: false, policy: 'direct' },
      actions: [
        say(4, true, {
          make: 'first',
          request: 15,
          deadlineMs: 5_000,
          holds: true,
          toSubject: false,
          plan: 0,
        }),
        say(2, true, { make: 'advance', at: 0, layers: 1, holds: true, next: 'itself' }),
      ],
    },
  ],
  [
    'a step given back by whoever was to go on with it, with a tensor of its own',
    {
      ...{ seed: 1513592458, isLarge: true, isLong: false, policy: 'direct-few' },
      actions: [
        { do: 'ask', by: 'subject', deadlineMs: 20000, minLayers: 1, plan: 4, anytime: false },
        {
          do: 'say',
          by: 4,
          via: 1,
          gossip: true,
          times: 1,
          message: {
            make: 'presence',
            layers: 14,
            lane: 0,
            freeSlots: 8,
            layerMs: 1,
            clockMs: 1,
            sequence: 2147483648,
            flags: 4,
          },
        },
        { do: 'wait', ms: 40 },
        {
          do: 'say',
          by: 4,
          via: 4,
          gossip: false,
          times: 1,
          message: { make: 'advance', at: 54, layers: 0, holds: true, next: 'subject' },
        },
      ],
    },
  ],
  [
    'a tensor that was to be passed on, until another was named for that',
    {
      ...{ seed: 1556157145, isLarge: true, isLong: false, policy: 'direct-few' },
      actions: [
        {
          do: 'say',
          by: 4,
          via: 5,
          gossip: true,
          times: 1,
          message: {
            make: 'first',
            request: 30,
            deadlineMs: 1500,
            holds: false,
            toSubject: true,
            plan: 4,
          },
        },
        {
          do: 'say',
          by: 4,
          via: 1,
          gossip: false,
          times: 1,
          message: { make: 'advance', at: 95, layers: 3, holds: true, next: 'subject' },
        },
        {
          do: 'say',
          by: 4,
          via: 4,
          gossip: true,
          times: 1,
          message: { make: 'advance', at: 40, layers: 0, holds: true, next: 'itself' },
        },
      ],
    },
  ],
  [
    'a plan that is done when the member gets it, which hands on the tensor that it was given',
    {
      ...{ seed: 1618523369, isLarge: true, isLong: true, policy: 'direct-few' },
      actions: [
        say(3, false, {
          make: 'first',
          request: 31,
          deadlineMs: 5_000,
          holds: false,
          toSubject: false,
          plan: 4,
        }),
        say(3, false, { make: 'advance', at: 14, layers: 3, holds: true, next: 'subject' }),
      ],
    },
  ],
]

function say(
  by: number,
  gossip: boolean,
  message: Extract<MemberTrace['actions'][number], { do: 'say' }>['message'],
): MemberTrace['actions'][number] {
  return { do: 'say', by, via: by, gossip, times: 1, message }
}

test.each(FOUND)('%s leads to no step that others could not take', (_, trace) => {
  const outcome = play(trace)
  expect(isFailure(outcome) ? outcome.stack : 'nothing is wrong').toBe('nothing is wrong')
})
