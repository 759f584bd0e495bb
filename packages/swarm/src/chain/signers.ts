import { CHAIN_SPARE_MAX } from '../limits.ts'
import type { Link, PeerId, Step } from '../wire/messages.ts'
import { tensorOf } from './tensor-of.ts'

type Chained = Pick<Step, 'chain' | 'route' | 'requester'>

/** Who says each link of a step's chain, or in one line what makes the chain impossible. */
export function signersOf(step: Chained): PeerId[] | string {
  const { chain, route, requester } = step
  const [first] = chain
  if (first === undefined || first.by !== undefined) return 'no link of its requester'
  // Whatever was applied before its requester's link, that vouches for.
  let { hop } = first
  const signers = [requester]
  if (chain.at(-1)?.tensor !== undefined) return 'a last link with a tensor of its own'
  if (chain.slice(0, -1).some(({ tensor }) => tensor === undefined))
    return 'a link without a tensor'
  for (const link of chain.slice(1)) {
    const signer = link.hop === hop ? link.by : visitorOf(step, hop, link)
    if (signer === undefined) return 'a link of nobody'
    signers.push(signer)
    hop = link.hop
  }
  return hop === route.length ? signers : 'a layer that nobody signed'
}

/** Who ran every layer since the link before this one; undefined where that were several, or nobody. */
function visitorOf({ route }: Chained, from: number, { hop, by }: Link): PeerId | undefined {
  const visit = route.slice(from, hop)
  const peer = visit[0]?.peer
  const isOne = visit.length === hop - from && visit.every((one) => one.peer === peer)
  return isOne && by === undefined ? peer : undefined
}

/** Whether nobody may say a link more before another layer is applied: there would be no room for those who follow. */
export function isChainFull({ chain, route }: Pick<Step, 'chain' | 'route'>): boolean {
  return chain.length >= route.length + 1 + CHAIN_SPARE_MAX
}

/** Whether some visit hands on the tensor that it was given: its layers were not run. */
function isFreeRide({ chain, activation }: Step): boolean {
  return chain.some(({ hop, tensor }, at) => {
    const before = chain[at - 1]
    if (before === undefined || before.hop === hop) return false
    return (tensor ?? tensorOf(activation)) === before.tensor
  })
}

/**
 * Why this may not be said by its author, by what the step says of itself; undefined when it may. Whether the
 * links are signed is not looked at.
 */
export function chainFault(step: Step, author: PeerId): string | undefined {
  const { chain, route, requester, next, activation } = step
  if (chain.length > route.length + 1 + CHAIN_SPARE_MAX) return 'more links than visits'
  const signers = signersOf(step)
  if (typeof signers === 'string') return signers
  if (isFreeRide(step)) return 'a visit that changed nothing'
  if (signers.at(-1) !== author) return 'its author was not in charge'
  if (chain.at(-1)?.isOpen !== (next === undefined)) return 'its last link names another'
  if (activation.place === 'inline' || activation.holder === author) return undefined
  const isKnown = author === requester && route.some(({ peer }) => peer === activation.holder)
  return isKnown ? undefined : 'a tensor that its author does not hold'
}
