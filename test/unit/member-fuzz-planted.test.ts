import { expect, test, vi } from 'vitest'
import { drawTrace, fewest, isFailure, play } from '../fuzz/member/run-member.ts'

// A fault planted into the production machines: what was planned for an older step outlives it.
vi.mock('../../packages/swarm/src/provider/bidding.ts', async (original) => {
  const { Bidding, ...rest } =
    await original<typeof import('../../packages/swarm/src/provider/bidding.ts')>()
  class Forgetful extends Bidding {
    override forget(): void {}
  }
  return { ...rest, Bidding: Forgetful }
})

test('a fault in the machines is found, and made a few readable actions', {
  timeout: 120_000,
}, () => {
  // Those before find nothing, and take a while.
  for (let run = 130; run < 330; run++) {
    const trace = drawTrace(1, run)
    const outcome = play(trace)
    if (!isFailure(outcome)) continue
    expect(outcome.kind).toContain('not all have signed')
    const small = fewest(trace, outcome.kind)
    expect(small.actions.length).toBeLessThanOrEqual(6)
    expect(small.actions.length).toBeLessThan(trace.actions.length)
    expect(play(small)).toMatchObject({ kind: outcome.kind })
    return
  }
  expect.fail('the fault was not found')
})
