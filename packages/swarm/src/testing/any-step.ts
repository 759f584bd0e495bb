import type {
  Activation,
  HeldActivation,
  Hop,
  PeerId,
  RequestId,
  Step,
  TensorHash,
} from '../wire/messages.ts'

import { chainOf } from './any-chain.ts'

/** A tensor of one image, five tokens of eight numbers, that rides in the message. */
export const inlineTensor: Extract<Activation, { place: 'inline' }> = {
  place: 'inline',
  dtype: 'float16',
  batch: 1,
  tokens: 5,
  width: 8,
  bytes: new Uint8Array(80),
}

/** The same size, held by a peer. */
export function heldTensor(holder: PeerId, hash = 'h'): HeldActivation {
  const { dtype, batch, tokens, width } = inlineTensor
  return { place: 'held', dtype, batch, tokens, width, size: 80, holder, hash: hash as TensorHash }
}

/** A route of layers 0, 1, … that one peer ran. */
export function hopsBy(peer: PeerId, count: number): Hop[] {
  return Array.from({ length: count }, (_, layer) => ({ layer, peer, backend: 'reference', ms: 1 }))
}

/** A first step of nobody in particular. */
export function anyStep(given: Partial<Omit<Step, 'kind'>> = {}): Step {
  const { route = [], next } = given
  return {
    kind: 'step',
    request: '1'.repeat(32) as RequestId,
    requester: 'requester' as PeerId,
    endsAtMs: 20_000,
    era: 0,
    route,
    chain: chainOf(route, { isOpen: next === undefined }),
    plan: [],
    activation: inlineTensor,
    input: undefined,
    next: undefined,
    silent: [],
    barred: [],
    isPrivate: false,
    remainingMs: 20_000,
    ...given,
  }
}

/** A step after visits of one layer each by these peers, in their order, with its tensor at whoever ran the last. */
export function stepAfter(
  peers: readonly PeerId[],
  given: Partial<Omit<Step, 'kind'>> & { readonly requester: PeerId },
): Step {
  return anyStep({
    route: peers.map((peer, layer) => ({ layer, peer, backend: 'reference', ms: 1 })),
    activation: heldTensor(peers.at(-1) ?? given.requester, `after ${peers.length}`),
    ...given,
  })
}
