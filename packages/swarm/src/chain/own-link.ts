import type { Link, PeerId, Step } from '../wire/messages.ts'
import { UNSIGNED } from './statement.ts'
import { tensorOf } from './tensor-of.ts'

/**
 * A step as this member says it: with a link of its own behind those by which it was put in charge, to be signed
 * when it leaves. A requester needs nobody's: its own link vouches for the whole route.
 */
export function withOwnLink(step: Step, self: PeerId): Step {
  const { chain, route, requester, next } = step
  const hop = route.length
  const isOpen = next === undefined
  const own = { hop, isOpen, tensor: undefined, signature: UNSIGNED }
  if (self === requester) return { ...step, chain: [{ ...own, by: undefined }] }
  const by = chain.at(-1)?.hop === hop ? self : undefined
  return { ...step, chain: [...boundChain(step), { ...own, by }] }
}

/** The chain of a step that somebody goes on from: its last link names the tensor too, as all before it do. */
export function boundChain({ chain, activation }: Pick<Step, 'chain' | 'activation'>): Link[] {
  const last = chain.at(-1)
  if (last === undefined || last.tensor !== undefined) return [...chain]
  return [...chain.slice(0, -1), { ...last, tensor: tensorOf(activation) }]
}

/** Whether a step is still to be signed by whoever says it. */
export function isUnsigned({ chain }: Step): boolean {
  return chain.at(-1)?.signature === UNSIGNED
}

/** A step whose last link is signed. */
export function signed(step: Step, signature: Link['signature']): Step {
  const last = step.chain.at(-1)
  return last === undefined
    ? step
    : { ...step, chain: [...step.chain.slice(0, -1), { ...last, signature }] }
}
