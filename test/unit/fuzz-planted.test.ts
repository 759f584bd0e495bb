import { fuzz, simulate } from '@layerswarm/lab'
import { expect, test, vi } from 'vitest'

// A fault planted into the production machines: after a tensor was lost with its holder they forget
// that the first layer was applied.
vi.mock('../../packages/swarm/src/step.ts', async (original) => {
  const step = await original<typeof import('../../packages/swarm/src/step.ts')>()
  const openLayers: typeof step.openLayers = (base, layers) => {
    const open = step.openLayers(base, layers)
    const [first] = base.route
    if (base.era > 0 && first !== undefined) open[first.layer] = true
    return open
  }
  return { ...step, openLayers }
})

test('a fault in the machines is found, made small, and repeated by its one line', {
  timeout: 300_000,
}, () => {
  const { failures } = fuzz(20, { seed: 3 })
  const [found] = failures
  if (found === undefined) throw new Error('the fault was not found')
  expect(found.violation.invariant).toBe('layer-once')
  expect(found.set['requests.count']).toBeLessThanOrEqual(3)
  expect(Object.keys(found.set).length).toBeLessThan(14)

  expect(found.replay).toMatch(/^npx layerswarm simulate calm --seed \d+ --policy [a-z-]+ --set /)
  const { seed, policy, set } = wordsOf(found.replay)
  const again = simulate('calm', { seed, set, policy })
  expect(again.policies[policy]?.violations).toContainEqual(found.violation)
  expect(again.broken).toBeGreaterThan(0)
})

/** What the command line makes of a line that replays. */
function wordsOf(line: string) {
  const words = line.split(' ')
  const set = Object.fromEntries(
    words.flatMap((word, i) => (words[i - 1] === '--set' ? [word.split('=')] : [])),
  ) as Record<string, string>
  const after = (flag: string): string => words[words.indexOf(flag) + 1] ?? ''
  return { seed: Number(after('--seed')), policy: after('--policy'), set }
}
