import { has, type LayerSet } from '../claims/layer-set.ts'
import { draw, drawOn } from '../draw.ts'
import type { PeerId, RequestId } from '../wire/messages.ts'

/** Somebody who can run layers of a round, as its hub sees it. Times in milliseconds. */
export interface Executor {
  readonly peer: PeerId
  readonly layers: LayerSet
  readonly layerMs: number
  /** It has measured that itself. */
  readonly isMeasured: boolean
  /** Layer runs that wait there already. */
  readonly pending: number
  /** There and back of a small message, and what else it costs beside its work and the tensors. */
  readonly wayMs: number
  /** One tensor through its own access: the input, and the sum. */
  readonly inMs: number
  readonly outMs: number
  /** The hub itself: nothing is sent. */
  readonly isHub: boolean
}

/** The hub's own access, milliseconds: copies of the input leave one after the other. */
export interface HubAccess {
  /** One tensor through it, out and in. */
  readonly sendMs: number
  readonly receiveMs: number
  /** Until copies of its other requests have left. Those that are under way ask again, so every round waits so long. */
  readonly waitMs: number
}

/** What one executor is asked for in a round. */
export interface Share {
  readonly executor: Executor
  readonly layers: readonly number[]
  /** Until its sum is here, milliseconds from when the first copy of the round can leave. */
  readonly ms: number
}

/** Who runs what in which round, and how long that takes. */
export interface Plan {
  readonly rounds: readonly (readonly Share[])[]
  /** All rounds, milliseconds. */
  readonly ms: number
  /** Layers that nobody hosts: in no round. */
  readonly unhosted: readonly number[]
}

/** Layers in an order drawn for a request: in it those are placed that are equally rare. */
export function drawnOrder(request: RequestId, layers: readonly number[]): number[] {
  const seed = draw(request)
  return [...layers].sort((a, b) => drawOn(seed, String(a)) - drawOn(seed, String(b)))
}

interface Draft {
  readonly room: number
  readonly shares: Map<Executor, { layers: number[]; ms: number }>
  ms: number
  copies: number
  count: number
}

/**
 * Spreads layers over rounds and executors: the rarest first, each where it makes the whole least longer, and among
 * equals where it is done soonest.
 * @param layers to be applied, in the order in which those that are equally rare are placed.
 * @param groups how many of them each round takes at most.
 */
export function planRounds(
  layers: readonly number[],
  groups: readonly number[],
  executors: readonly Executor[],
  hub: HubAccess,
): Plan {
  const hostsOf = (layer: number) => executors.filter((one) => has(one.layers, layer))
  const hosted = layers.map((layer) => ({ layer, hosts: hostsOf(layer) }))
  const unhosted = hosted.filter(({ hosts }) => hosts.length === 0).map(({ layer }) => layer)
  const drafts = groups.map(
    (room): Draft => ({ room, shares: new Map(), ms: 0, copies: 0, count: 0 }),
  )
  const rarest = hosted
    .filter(({ hosts }) => hosts.length > 0)
    .sort((a, b) => a.hosts.length - b.hosts.length)
  for (const { layer, hosts } of rarest) place(layer, hosts, drafts, hub)
  return {
    rounds: drafts.map(({ shares }) =>
      [...shares].map(([executor, share]) => ({ executor, ...share })),
    ),
    ms: drafts.reduce((sum, { ms }) => sum + ms, 0),
    unhosted,
  }
}

/** Where one more layer could run, and what that means for its round; milliseconds. */
interface Place {
  readonly draft: Draft
  readonly host: Executor
  /** Of its share. */
  readonly shareMs: number
  /** The same from the start of the round. */
  readonly ms: number
  readonly longerMs: number
}

function place(
  layer: number,
  hosts: readonly Executor[],
  drafts: readonly Draft[],
  hub: HubAccess,
): void {
  let best: Place | undefined
  for (const draft of drafts) {
    if (draft.count >= draft.room) continue
    for (const host of hosts) {
      const shareMs = doneMs(draft, host, hub)
      const ms = host.isHub ? shareMs : hub.waitMs + shareMs
      const one = { draft, host, shareMs, ms, longerMs: Math.max(0, ms - draft.ms) }
      if (best === undefined || isBetter(one, best)) best = one
    }
  }
  if (best !== undefined) put(layer, best)
}

function isBetter(a: Place, b: Place): boolean {
  return a.longerMs === b.longerMs ? a.ms < b.ms : a.longerMs < b.longerMs
}

function put(layer: number, { draft, host, shareMs, ms }: Place): void {
  const share = draft.shares.get(host)
  if (share === undefined) {
    draft.shares.set(host, { layers: [layer], ms: shareMs })
    if (!host.isHub) draft.copies++
  } else {
    share.layers.push(layer)
    share.ms = shareMs
  }
  draft.ms = Math.max(draft.ms, ms)
  draft.count++
}

/** When a host would be done with one more layer of a round, milliseconds from when its first copy can leave. */
function doneMs(draft: Draft, host: Executor, hub: HubAccess): number {
  const share = draft.shares.get(host)
  if (share !== undefined) return share.ms + host.layerMs
  const runMs = (host.pending + 1) * host.layerMs
  if (host.isHub) return runMs
  const sentMs = (draft.copies + 1) * hub.sendMs + host.inMs
  return host.wayMs + sentMs + runMs + host.outMs + hub.receiveMs
}
