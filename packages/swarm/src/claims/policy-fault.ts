import { draw } from '../draw.ts'
import { CLAIM_STAGGER_MS, LAYERS_MAX, REQUEST_ID_BYTES } from '../limits.ts'
import type { PeerId, RequestId } from '../wire/messages.ts'
import type { Candidate, ClaimPolicy } from './policy.ts'

/**
 * What a policy must not do, because members would wait for ever or run nothing: in one line, or undefined.
 * It is tried on two candidates and three layers, since a policy is pure and the same for all.
 */
export function policyFault(policy: ClaimPolicy): string | undefined {
  const { name, witnesses, visitLayers } = policy
  const said = (what: string) => `the claim policy "${name}" ${what}`
  if (witnesses !== 'lane' && witnesses !== 'few')
    return said('must have "lane" or "few" as witnesses')
  if (!Number.isInteger(visitLayers) || visitLayers < 1 || visitLayers > LAYERS_MAX)
    return said(`must have visitLayers from 1 to ${LAYERS_MAX}, not ${visitLayers}`)
  for (const ahead of [0, 1, 2]) {
    const ms = policy.delayMs(ahead, CLAIM_STAGGER_MS)
    if (!Number.isFinite(ms) || ms < 0)
      return said(`has delayMs(${ahead}, ${CLAIM_STAGGER_MS}) = ${ms}, which is no time to wait`)
  }
  const [self, other] = [candidate('self'), candidate('other')]
  const { ahead, favourite } = policy.rank(REQUEST, 0, self, [other])
  if (ahead !== 0 && ahead !== 1) return said(`ranks one of two candidates behind ${ahead} others`)
  if (favourite !== self.peer && favourite !== other.peer)
    return said('has a favourite that is no candidate')
  const order = policy.order([0, 1, 2], REQUEST, self.peer)
  if ([...order].sort().join() !== '0,1,2')
    return said(`must order the layers 0, 1, 2 and gives ${order.join(', ') || 'none'}`)
  return undefined
}

const REQUEST = '0'.repeat(2 * REQUEST_ID_BYTES) as RequestId

function candidate(name: string): Candidate {
  const peer = name as PeerId
  return {
    peer,
    mark: draw(peer),
    pending: 0,
    layerMs: 1,
    transitMs: 1,
    unproven: false,
    slow: false,
    failed: false,
  }
}
