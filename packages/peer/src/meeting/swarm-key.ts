import { keyInLink, parseSwarmKey, type SwarmKey, swarmId } from '@layerswarm/swarm'
import { PeerError } from '../errors.ts'
import type { PeerOptions } from '../options.ts'

/**
 * The key of the private swarm that a peer is to join: that of its options, or that of its links.
 * @returns undefined for a swarm that is open to all.
 * @throws PeerError `bad-swarm-key` when it is none, or two are named; the line does not tell it.
 */
export function swarmKeyOf({
  join,
  swarmKey,
}: Pick<PeerOptions, 'join' | 'swarmKey'>): SwarmKey | undefined {
  const links = typeof join === 'string' ? [join] : join
  const named = [...links.map(keyInLink), swarmKey].filter((text) => text !== undefined)
  const [key, ...others] = new Set(named)
  if (key === undefined) return undefined
  if (others.length > 0) throw badKey('two different keys of a private swarm are named; give one')
  const parsed = parseSwarmKey(key)
  if (parsed === undefined)
    throw badKey('the key of the private swarm is not whole; copy the link to its very end')
  return parsed
}

function badKey(line: string): PeerError {
  return new PeerError({ code: 'bad-swarm-key' }, line)
}

/**
 * Finds out before connecting what no handshake can say: whose key it is. A peer with a key connects to
 * nobody without, whatever a server says here.
 * @throws PeerError `private-swarm` or `bad-swarm-key`.
 */
export function checkMembership(
  { swarm }: { readonly swarm: string | undefined },
  key: SwarmKey | undefined,
): void {
  if (swarm === (key && swarmId(key))) return
  if (key === undefined)
    throw new PeerError(
      { code: 'private-swarm' },
      'this swarm is private: ask its host for the link with the key',
    )
  throw badKey(
    swarm === undefined
      ? 'the link has a key, but its server lets everybody in: it is not the private swarm that you were invited to'
      : 'the key is not that of this private swarm, or not any more: ask its host for the present link',
  )
}
