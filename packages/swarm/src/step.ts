import { draw } from './draw.ts'
import type { PeerId, Step } from './wire/messages.ts'

/** What a member must know of the model to judge a step. Sizes are counts of elements. */
export interface ModelShape {
  readonly layers: number
  readonly tokens: number
  readonly width: number
  /**
   * Its layers run in their own order only, first to last: every request has a plan that says so, and may leave
   * layers out. Any order unless given.
   */
  readonly keepsOrder?: boolean
  /**
   * How far a layer's output may be from another host's that has loaded another of its files, ‖a − b‖ / ‖b‖. 0, for
   * one file a layer, unless given.
   */
  readonly fileDistance?: number
}

/** Whether layers stand in the model's own order; some may be missing. */
export function isInOwnOrder(layers: readonly number[]): boolean {
  return layers.every((layer, at) => at === 0 || layer > (layers[at - 1] as number))
}

/** Layers that may be applied next, as one flag per layer of the model. */
export function openLayers(step: Step, layers: number): boolean[] {
  if (step.plan.length > 0) {
    const next = step.plan[step.route.length]
    return Array.from({ length: layers }, (_, layer) => layer === next)
  }
  const open = new Array<boolean>(layers).fill(true)
  for (const { layer } of step.route) open[layer] = false
  return open
}

/**
 * How many layers had been applied when the request began: those on the route of a recomputation before its
 * requester's link are another request's, and who ran them has no part in this one.
 */
export function startOf({
  isPrivate,
  chain,
  route,
}: Pick<Step, 'isPrivate' | 'chain' | 'route'>): number {
  return isPrivate ? (chain[0]?.hop ?? route.length) : 0
}

/** Bytes of its tensor that are not in the message. */
export function heldBytes({ activation }: Step): number {
  return activation.place === 'held' ? activation.size : 0
}

/** Whether its tensor is not in the message and this peer has it to give. */
export function isHolder(peer: PeerId, { activation }: Pick<Step, 'activation'>): boolean {
  return activation.place === 'held' && activation.holder === peer
}

/** How many layers the requester asked for. */
export function hopsWanted({ plan }: Step, layers: number): number {
  return plan.length > 0 ? plan.length : layers
}

/** Whether every layer that the requester asked for has been applied. */
export function isComplete(step: Step, layers: number): boolean {
  return step.route.length >= hopsWanted(step, layers)
}

/**
 * Orders the steps of one request, so that all members drop the same one of two:
 * a later era, then more hops, then the lower draw over the route.
 */
export function supersedes(a: Step, b: Step): boolean {
  if (a.era !== b.era) return a.era > b.era
  if (a.route.length !== b.route.length) return a.route.length > b.route.length
  if (sameStep(a, b)) return false
  const routeA = routeKey(a)
  const routeB = routeKey(b)
  const drawA = draw(a.request, routeA)
  const drawB = draw(b.request, routeB)
  return drawA === drawB ? routeA < routeB : drawA < drawB
}

/**
 * Whether both are steps of what was asked once: whoever goes on with a request changes neither who asked,
 * nor the order that was asked for, nor how many images there are. Only its requester asks for another order, in
 * a later era.
 * @param b the one that is known.
 */
export function asksTheSame(a: Step, b: Step): boolean {
  return (
    a.requester === b.requester &&
    a.activation.batch === b.activation.batch &&
    (a.era > b.era || isSamePlan(a.plan, b.plan))
  )
}

function isSamePlan(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((layer, hop) => layer === b[hop])
}

/** Whether both say the same layers were applied by the same peers, in the same era. */
export function sameStep(a: Step, b: Step): boolean {
  if (a.era !== b.era || a.route.length !== b.route.length) return false
  return a.route.every((hop, i) => hop.layer === b.route[i]?.layer && hop.peer === b.route[i]?.peer)
}

function routeKey(step: Step): string {
  let key = ''
  for (const { layer, peer } of step.route) key += `${layer}@${peer} `
  return key
}

/** Whether `child` is one visit further than `parent` on the same route. */
export function follows(child: Step, parent: Step): boolean {
  const from = parent.route.length
  if (child.era !== parent.era || child.route.length <= from) return false
  const author = child.route.at(-1)?.peer
  return child.route.every(({ layer, peer }, i) => {
    const before = parent.route[i]
    return before === undefined ? peer === author : layer === before.layer && peer === before.peer
  })
}

/**
 * Who ran the visit before `self`'s own last one, the requester before the first; for who only passes a
 * tensor on whoever ran the last one.
 */
export function authorBefore(step: Step, self: PeerId): PeerId {
  const { requester } = step
  const route = step.route.slice(startOf(step))
  let at = route.findLastIndex(({ peer }) => peer === self) + 1
  if (at === 0) at = route.length
  while (at > 0 && route[at - 1]?.peer === self) at--
  return route[at - 1]?.peer ?? requester
}

/** A free-rider's mark: the step claims a layer but hands its input on unchanged. */
export function isUnchanged(child: Step, parent: Step): boolean {
  if (!follows(child, parent)) return false
  const before = parent.activation
  const after = child.activation
  if (before.place === 'held' || after.place === 'held') {
    return (
      before.place === after.place &&
      'hash' in before &&
      'hash' in after &&
      before.hash === after.hash
    )
  }
  if (before.bytes.length !== after.bytes.length) return false
  for (let i = 0; i < before.bytes.length; i++) if (before.bytes[i] !== after.bytes[i]) return false
  return true
}
