import type { EncodedActivation } from '@layerswarm/model'
import { isHolder } from '../step.ts'
import type { Activation, Hop, PeerId, RequestId, Step, TensorHash } from '../wire/messages.ts'

/** Layers that came between two steps of a request, and who says that it has run them. */
export interface Stretch {
  readonly before: Step
  readonly after: Step
  /** One peer, or several in a row where it is not known what each of them has made. */
  readonly peers: readonly PeerId[]
  /** In the order in which they were run. */
  readonly layers: readonly number[]
  /** Of layers that ran at once on one input: that, as others have it from here. Otherwise they ran one after another. */
  readonly atOnce?: Activation
}

/** The sum of updates that somebody has sent to a hub. */
export interface SumRun {
  readonly request: RequestId
  readonly requester: PeerId
  /** Layers of the request before it: earlier rounds, and what has come of this one. */
  readonly route: readonly Hop[]
  readonly hops: readonly Hop[]
  /** What its layers were given, and that as others have it from here. */
  readonly input: EncodedActivation
  readonly activation: Activation
  /** The input with the sum added. */
  readonly output: EncodedActivation
}

/** What an executor ran at once, as a stretch: from its input to that with its sum. */
export function stretchOfSum(sum: SumRun): Stretch {
  const { request, requester, route, hops, input, activation, output } = sum
  const before: Step = {
    kind: 'step',
    ...{ request, requester, route },
    ...{ endsAtMs: 0, era: 0, chain: [], plan: [], silent: [], barred: [], remainingMs: 0 },
    ...{ input: undefined, next: undefined, isPrivate: false },
    activation: inMessage(activation, input),
  }
  const after = {
    ...before,
    route: [...route, ...hops],
    activation: inMessage(activation, output),
  }
  return { ...stretchOf(before, after), atOnce: activation }
}

/** What a stretch began with, where this member has it to give: kept for as long as it is audited. */
export function heldHere({ before, atOnce }: Stretch, self: PeerId): TensorHash | undefined {
  const activation = atOnce ?? before.activation
  const isOwn = activation.place === 'held' && isHolder(self, { activation })
  return isOwn ? activation.hash : undefined
}

function inMessage(
  { dtype, batch, tokens, width }: Activation,
  { bytes }: EncodedActivation,
): Activation {
  return { place: 'inline', dtype, batch, tokens, width, bytes }
}

/**
 * What came between two steps of one route, visit by visit: where the steps between them were not heard here, the
 * links of the later one name the tensor that each visit handed on, and whoever made it holds it.
 */
export function stretchesOf(before: Step, after: Step): Stretch[] {
  const stretches: Stretch[] = []
  let from = before
  for (const to of [...stepsBetween(before, after), after]) {
    stretches.push(stretchOf(from, to))
    from = to
  }
  return stretches
}

function stretchOf(before: Step, after: Step): Stretch {
  const hops = after.route.slice(before.route.length)
  return {
    before,
    after,
    peers: [...new Set(hops.map(({ peer }) => peer))],
    layers: hops.map(({ layer }) => layer),
  }
}

/** The steps that were not heard, as far as the chain of a later one says what they were; oldest first. */
function stepsBetween(before: Step, after: Step): Step[] {
  const { activation, chain, route } = after
  if (activation.place === 'inline') return []
  const steps: Step[] = []
  let at = before.route.length
  for (const { hop, tensor } of chain) {
    const holder = route[hop - 1]?.peer
    if (hop <= at || hop >= route.length || tensor === undefined || holder === undefined) continue
    at = hop
    steps.push({
      ...after,
      route: route.slice(0, hop),
      activation: { ...activation, hash: tensor, holder },
    })
  }
  return steps
}
