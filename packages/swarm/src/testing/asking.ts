import type { MemberEvent } from '../effects.ts'
import { SwarmError } from '../errors.ts'
import { DEADLINE_MS_MAX, PRESENCE_INTERVAL_MS_MAX } from '../limits.ts'
import type { Answer, ClassifyPolicy } from '../request.ts'
import type { ModelShape } from '../step.ts'
import type { RequestId } from '../wire/messages.ts'
import { type Inhabitant, World } from './world.ts'

/** Four layers whose tensors ride in the messages. */
export const SMALL: ModelShape = { layers: 4, tokens: 5, width: 8 }
/** 197 x 768 in float16 is 302,592 bytes: by reference. */
export const LARGE: ModelShape = { layers: 4, tokens: 197, width: 768 }

/** How a request ended: one of the two. */
export interface Outcome {
  answer?: Answer
  error?: SwarmError
}

/** A request that was asked, and what its asker has heard since. */
export interface Asked {
  readonly request: RequestId
  readonly events: readonly MemberEvent[]
  /** Runs the world until it has ended. */
  finish(): Promise<Outcome>
}

/**
 * A world in which everybody has heard everybody: somebody who asks, and a provider for each list of layers.
 * Nobody audits, unless `audits` is given: what a request costs by itself is counted in it.
 */
export function swarm(
  shape: ModelShape,
  layersByPeer: number[][],
  seed = 1,
  audits = false,
): { world: World; asker: Inhabitant; providers: Inhabitant[] } {
  const world = new World({ seed, shape })
  const asker = world.join('asker', { audits })
  const providers = layersByPeer.map((serve, i) => world.join(`p${i}`, { serve }))
  // Until everybody has been heard: what is missing then has no host.
  world.clock.run(PRESENCE_INTERVAL_MS_MAX)
  return { world, asker, providers }
}

/** Asks once. */
export function ask(world: World, asker: Inhabitant, policy: Partial<ClassifyPolicy> = {}): Asked {
  const events: MemberEvent[] = []
  const off = asker.member.on((event) => events.push(event))
  const asked = asker.member.classify(world.stem(), policy)
  let settled = false
  const outcome: Outcome = {}
  const watch = asked.answer.then(
    (answer) => {
      outcome.answer = answer
    },
    (error: unknown) => {
      if (error instanceof SwarmError) outcome.error = error
    },
  )
  const offEnd = asker.member.on((event) => {
    if (
      (event.type === 'answered' && event.answer.request === asked.request) ||
      (event.type === 'failed' && event.request === asked.request)
    )
      settled = true
  })
  const finish = async (): Promise<Outcome> => {
    world.clock.run(world.clock.nowMs() + DEADLINE_MS_MAX, () => settled)
    off()
    offEnd()
    await watch
    return outcome
  }
  return { request: asked.request, events, finish }
}

/** The layers of an answer, in their order. */
export function layersOf(answer: Answer | undefined): number[] {
  return answer?.route.map(({ layer }) => layer) ?? []
}
