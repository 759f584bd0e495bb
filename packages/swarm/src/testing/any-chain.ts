import { HASH_BYTES, SIGNATURE_BYTES } from '../limits.ts'
import type { Hop, Link, PeerId, Signature, TensorHash } from '../wire/messages.ts'

/** A signature that nobody made. */
export const ANY_SIGNATURE = 'ab'.repeat(SIGNATURE_BYTES) as Signature
/** A tensor that nobody has, another for each number. */
export function anyTensor(number: number): TensorHash {
  return `${number}`.padStart(2 * HASH_BYTES, 'cd') as TensorHash
}

/**
 * The links of a step after visits of one layer each by these peers, in their order, none of them signed.
 * @param last whether the last one puts anybody in charge.
 */
export function anyChain(peers: readonly PeerId[], last: { readonly isOpen: boolean }): Link[] {
  return Array.from({ length: peers.length + 1 }, (_, hop) => ({
    hop,
    by: undefined,
    isOpen: hop === peers.length && last.isOpen,
    tensor: hop === peers.length ? undefined : anyTensor(hop),
    signature: ANY_SIGNATURE,
  }))
}

/** The links of a step with this route: its requester's and one for each visit, none of them signed. */
export function chainOf(route: readonly Hop[], last: { readonly isOpen: boolean }): Link[] {
  const ends = route.flatMap(({ peer }, at) => (route[at + 1]?.peer === peer ? [] : [at + 1]))
  const hops = [0, ...ends]
  return hops.map((hop, at) => ({
    hop,
    by: undefined,
    isOpen: at === hops.length - 1 && last.isOpen,
    tensor: at === hops.length - 1 ? undefined : anyTensor(at),
    signature: ANY_SIGNATURE,
  }))
}
