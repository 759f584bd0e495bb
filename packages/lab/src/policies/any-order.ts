import type { ClassifyPolicy, MemberEvent, PeerId, RequestId } from '@layerswarm/swarm'
import { isTainted, symbolicStem, trueRoute } from '@layerswarm/swarm/testing'
import type { RequestRecord } from '../request-record.ts'
import type { Resident } from '../residents/resident.ts'
import type { Order } from '../scenarios/population.ts'
import { activationSize } from '../scenarios/settings.ts'
import type { AskPolicy, Scene } from './policy.ts'

interface Asked {
  readonly record: RequestRecord
  readonly end: (code: string) => void
}

/** What whoever asks wants of the swarm. */
export type RoundsWanted = Pick<ClassifyPolicy, 'rounds' | 'groupings' | 'maxLossPoints'>

/** A tour. */
export const NO_ROUNDS: RoundsWanted = { rounds: 'off', groupings: [], maxLossPoints: 0 }

/** The layers of models/fashion-vit, and what it loses in two, three and four rounds, points (docs/decisions/0031). */
const MEASURED = { layers: 8, lossPoints: [4, 1.4, 0.3] } as const

/** So many rounds of a model, as equal as they can be. @returns layers of each. */
export function equalRounds(layers: number, count: number): number[] {
  const sizes = Array.from({ length: count }, (_, i) => Math.floor((layers + i) / count))
  return sizes.reverse().filter((size) => size > 0)
}

/**
 * Of a model with so many layers: two rounds; or whichever of two and more is quickest and costs no more than is
 * accepted, or a tour. Eight layers lose what those of models/fashion-vit do, others nothing, as a release might that
 * was trained for rounds.
 */
export function roundsOf(
  policy: 'rounds' | 'auto',
  layers: number,
  maxLossPoints: number,
): RoundsWanted {
  const two = equalRounds(layers, 2)
  if (policy === 'rounds') return { rounds: two, groupings: [], maxLossPoints }
  const losses = layers === MEASURED.layers ? MEASURED.lossPoints : []
  const groupings = Array.from({ length: Math.max(1, layers - 1) }, (_, i) => ({
    groups: equalRounds(layers, i + 2),
    lossPoints: losses[Math.min(i, losses.length - 1)] ?? 0,
  }))
  return { rounds: 'auto', groupings, maxLossPoints }
}

/** The policy of this project: requests go through the production machines. */
export class AnyOrder implements AskPolicy {
  private readonly scene: Scene
  private readonly wanted: RoundsWanted
  private readonly open = new Map<RequestId, Asked>()

  constructor(scene: Scene, wanted = NO_ROUNDS) {
    this.scene = scene
    this.wanted = wanted
  }

  arrived({ session, member }: Resident): void {
    if (session.actor !== 'asker') return
    const { audits, residents, clock } = this.scene
    const actorOf = (peer: PeerId) => residents.get(peer)?.session.actor
    member?.on((event) => {
      audits.heard(session.peer, event, actorOf, clock.nowMs())
      this.happened(event)
    })
  }

  left(): void {}

  ask(asker: Resident, order: Order, record: RequestRecord, end: (code: string) => void): void {
    const { settings, referee, clock, onlyCopy } = this.scene
    const shape = [1, settings['model.tokens'], settings['model.width']] as const
    const bytes = symbolicStem(activationSize(settings), order.index)
    const deadlineMs = settings['requests.deadlineMs']
    // Not `classify`: promises would settle only after the run, and be kept until then.
    const request = asker.member?.ask(
      { dtype: 'float16', shape, bytes },
      { deadlineMs, minLayers: settings['requests.minLayers'], ...this.wanted },
    )
    if (request === undefined) return end('no-asker')
    referee.asked(request, clock.nowMs() + deadlineMs)
    this.open.set(request, { record, end })
    onlyCopy.watch(request, record)
  }

  private happened(event: MemberEvent): void {
    const { referee, clock } = this.scene
    if (event.type === 'answered') {
      const { answer } = event
      const logits = answer.logits[0] ?? []
      const truth = trueRoute(logits)
      referee.answered(answer, truth, clock.nowMs())
      const asked = this.open.get(answer.request)
      if (asked === undefined) return
      const { record } = asked
      record.route = answer.route.map(({ layer }) => layer)
      record.rounds = answer.rounds
      record.visits = answer.route.filter(
        ({ peer }, i) => peer !== answer.route[i - 1]?.peer,
      ).length
      record.missing = answer.missingLayers.length
      record.usefulMs = answer.route.reduce((sum, { ms }) => sum + ms, 0)
      record.isWrong = isTainted(logits) || truth.join() !== record.route.join()
      this.settle(answer.request, 'answered')
    } else if (event.type === 'failed') {
      referee.failed(event.request, clock.nowMs())
      this.settle(event.request, event.fault.code)
    }
  }

  private settle(request: RequestId, code: string): void {
    this.open.get(request)?.end(code)
    this.open.delete(request)
  }
}
