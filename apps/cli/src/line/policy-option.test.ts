import { PEER_DEFAULTS } from '@layerswarm/peer'
import { expect, test } from 'vitest'
import { POLICY_USUAL } from './policy-option.ts'

test('commands let peers do what peers do anyway', () => {
  expect(POLICY_USUAL).toBe(PEER_DEFAULTS.policy)
})
