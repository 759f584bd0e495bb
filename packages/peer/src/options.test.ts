import { POLICY_DEFAULT } from '@layerswarm/swarm'
import { expect, test } from 'vitest'
import { PEER_DEFAULTS, POLICIES } from './options.ts'

test('a peer follows the policy that the lab measures, and calls it by its name', () => {
  expect(POLICIES[PEER_DEFAULTS.policy].name).toBe(POLICY_DEFAULT.name)
  for (const [name, policy] of Object.entries(POLICIES)) expect(policy.name).toBe(name)
})
