import { draw, drawMixed } from '../draw.ts'
import { LAYERS_MAX } from '../limits.ts'
import { gossip } from './gossip.ts'
import { countCommon, meet } from './layer-set.ts'
import { TRIAL_FACTOR, TRIAL_LAYER_MS } from './limits.ts'
import type { Choice, ClaimPolicy, Favourite, Host } from './policy.ts'
import { firstStop } from './tour.ts'

/**
 * Direct hand-over: the author of a step names who goes on with it, by looking ahead over whole tours
 * back to the requester, and sends the tensor there. When the favourite is silent the author chooses
 * another; with the lane as witness, whoever heard the step may take over too. A step with nobody left
 * to choose goes on as in plain gossip.
 * @param witnesses who hears a step besides its favourite.
 */
export function directHandOver(witnesses: ClaimPolicy['witnesses']): ClaimPolicy {
  return Object.freeze<ClaimPolicy>({
    ...gossip,
    name: witnesses === 'lane' ? 'direct' : 'direct-few',
    witnesses,
    visitLayers: LAYERS_MAX,
    favourite,
  })
}

function favourite(given: Choice): Favourite | undefined {
  const choice = { ...given, hosts: shuffled(given) }
  const hosts = choice.hosts.filter((host) => host.isReachable && meet(host.layers, choice.open))
  const able = hosts.filter(({ doubt }) => doubt === 0)
  if (able.length === 0) return leastDoubtful(hosts)
  const onTrial = stranger(choice, able)
  if (onTrial !== undefined) return { host: onTrial, isTrial: true, isAgain: false }
  const host = firstStop(choice, able) ?? able[0]
  return host && { host, isTrial: !host.isProven, isAgain: false }
}

/** The hosts in an order drawn per choice, so that among equals not always the same one gets the work. */
function shuffled({ hosts, request, round, self }: Choice): readonly Host[] {
  const seed = draw(request, round, self)
  return [...hosts].sort((a, b) => drawMixed(seed, a.mark) - drawMixed(seed, b.mark))
}

/** Only those are left that were silent once: a known one again, and with more patience. */
function leastDoubtful(hosts: readonly Host[]): Favourite | undefined {
  let least: Host | undefined
  for (const host of hosts)
    if (host.isProven && (least === undefined || host.doubt < least.doubt)) least = host
  return least && { host: least, isTrial: false, isAgain: true }
}

/** A newcomer that is owed a trial, or on one choice in so many a stranger at any distance, unless its visit would be dear. */
function stranger(choice: Choice, able: readonly Host[]): Host | undefined {
  const { request, round, self, trialOneIn } = choice
  const seed = draw(request, round, self)
  const isOwed = able.some((host) => host.isOwed)
  if (!isOwed && seed % trialOneIn !== 0) return undefined
  const mostMs = Math.max(TRIAL_LAYER_MS, TRIAL_FACTOR * usualVisitMs(choice, able))
  let drawn: Host | undefined
  for (const host of able) {
    if (host.isProven || host.isOwed !== isOwed || visitMs(choice, host) > mostMs) continue
    if (drawn === undefined || drawMixed(seed, host.mark) < drawMixed(seed, drawn.mark))
      drawn = host
  }
  return drawn
}

/** What a layer costs on a visit to this host, by what is known of it, milliseconds. */
function visitMs({ self, open, wayMs }: Choice, host: Host): number {
  const { peer, layers, layersMost, pending, layerMs, transferMs } = host
  const count = Math.min(layersMost, countCommon(layers, open))
  return (wayMs(self, peer) + transferMs + (pending + count) * layerMs) / count
}

/** What a layer costs on a visit to one of the better hosts, milliseconds. */
function usualVisitMs(choice: Choice, able: readonly Host[]): number {
  const all = able.map((host) => visitMs(choice, host)).sort((a, b) => a - b)
  return all[all.length >> 2] ?? 0
}
