import type { HeldActivation, PeerId, RequestId, Step, TensorHash } from '../wire/messages.ts'

/** A step after visits of one layer each by these peers, in their order, with its tensor at whoever ran the last. */
export function anyStep(
  peers: readonly PeerId[],
  given: Partial<Omit<Step, 'kind'>> & { readonly requester: PeerId },
): Step {
  return {
    kind: 'step',
    request: '1'.repeat(32) as RequestId,
    era: 0,
    route: peers.map((peer, layer) => ({ layer, peer, backend: 'reference', ms: 1 })),
    plan: [],
    activation: anyHeld(peers.at(-1) ?? given.requester, `after ${peers.length}`),
    input: undefined,
    next: undefined,
    silent: [],
    remainingMs: 20_000,
    ...given,
  }
}

/** A tensor of five tokens of width 8 that somebody holds. */
export function anyHeld(holder: PeerId, hash: string): HeldActivation {
  return {
    place: 'held',
    dtype: 'float16',
    batch: 1,
    tokens: 5,
    width: 8,
    size: 80,
    holder,
    hash: hash as TensorHash,
  }
}
