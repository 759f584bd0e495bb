import { argmax } from '@layerswarm/model'
import { draw } from '../draw.ts'
import { type Answer, CLASSIFY_POLICY_DEFAULT, type ClassifyPolicy } from '../request.ts'
import type { PeerId } from '../wire/messages.ts'
import { disjointOrder } from './disjoint-order.ts'

/** How an image was answered that was asked about twice, and a third time where that was needed. */
export interface Confirmation {
  /**
   * `agreed`: two orders say the same. `outvoted`: they do not, and a third says what one of them does.
   * `split`: three say three things. `unconfirmed`: the order that was to tell was not answered in time.
   */
  readonly outcome: 'agreed' | 'outvoted' | 'split' | 'unconfirmed'
  /** As they were asked, one to three. */
  readonly answers: readonly Answer[]
  /** Those that say what is answered: two that agree, or all where none do. */
  readonly believed: readonly Answer[]
  /** Who had a part in more than one of them: what such a peer says of itself alone is not confirmed. */
  readonly sharedPeers: readonly PeerId[]
  /** Why one was not answered, a line; undefined where all were. */
  readonly failure: string | undefined
}

/** Puts one image to a swarm. */
export type AskOnce = (policy: Partial<ClassifyPolicy>) => Promise<Answer>

/**
 * Asks about one image in two disjoint orders, and in a third when they disagree; the deadline of `policy`
 * is for all of them together.
 *
 * Two orders are disjoint when no layer stands at the same hop in both and no layer follows the same layer.
 * The first order is whatever the swarm makes of it. Peers choose who goes on, so a requester cannot leave
 * the second to them and have it disjoint as well: its order is a plan, made of the layers of the first
 * (`disjointOrder`). Who runs it stays the peers' choice, among those that had no part before
 * (`ClassifyPolicy.avoid`): with as few exceptions as the layers that nobody else hosts need. So neither the
 * order's own error nor one liar is in both, unless it is the only host of a layer; `sharedPeers` says so.
 *
 * @param ask one image at a time: of several the first would be compared.
 * @param policy without a plan. @throws SwarmError of the first request.
 */
export async function confirm(
  ask: AskOnce,
  policy: Partial<ClassifyPolicy> = {},
): Promise<Confirmation> {
  const first = await ask(policy)
  const answers = [first]
  let leftMs = (policy.deadlineMs ?? CLASSIFY_POLICY_DEFAULT.deadlineMs) - first.totalMs
  while (answers.length < 2 || (answers.length < 3 && pairOf(answers) === undefined)) {
    const orders = answers.map(({ route }) => route.map(({ layer }) => layer))
    const plan = disjointOrder(orders, draw(first.request, answers.length))
    const avoid = [...new Set(answers.flatMap(({ route }) => route.map(({ peer }) => peer)))]
    const minLayers = Math.min(policy.minLayers ?? CLASSIFY_POLICY_DEFAULT.minLayers, plan.length)
    try {
      if (leftMs <= 0) return confirmation(answers, 'no time was left to ask again')
      const next = await ask({ ...policy, plan, avoid, minLayers, deadlineMs: leftMs })
      answers.push(next)
      leftMs -= next.totalMs
    } catch (error) {
      return confirmation(answers, error instanceof Error ? error.message : String(error))
    }
  }
  return confirmation(answers, undefined)
}

/** The class that an answer names. */
function classOf({ probabilities: [row = []] }: Answer): number {
  return argmax(row)
}

/** Two that say the same. */
function pairOf(answers: readonly Answer[]): readonly Answer[] | undefined {
  for (const [i, one] of answers.entries())
    for (const other of answers.slice(i + 1))
      if (classOf(one) === classOf(other)) return [one, other]
  return undefined
}

function confirmation(answers: readonly Answer[], failure: string | undefined): Confirmation {
  const pair = pairOf(answers)
  const parts = answers.flatMap(({ route }) => [...new Set(route.map(({ peer }) => peer))])
  const sharedPeers = new Set(parts.filter((peer, i) => parts.indexOf(peer) !== i))
  return {
    outcome: outcomeOf(answers, pair, failure),
    answers,
    believed: pair ?? answers,
    sharedPeers: [...sharedPeers],
    failure,
  }
}

function outcomeOf(
  answers: readonly Answer[],
  pair: readonly Answer[] | undefined,
  failure: string | undefined,
): Confirmation['outcome'] {
  if (failure !== undefined) return 'unconfirmed'
  if (pair === undefined) return 'split'
  return answers.length === 2 ? 'agreed' : 'outvoted'
}
