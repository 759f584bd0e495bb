import { keepsOrder, type Manifest, type Tensor } from '@layerswarm/model'
import type { Answer, MemberEvent } from '@layerswarm/swarm'
import type { Picture } from '../logic/picture.ts'
import { errorText, missingText } from '../logic/wording.ts'
import type { HopLights } from '../ui/hop-lights.ts'
import { type Lane, verdictOf } from './lab-lane.ts'
import { liesText, markLies, type Told } from './lies.ts'
import type { SimulatedSwarm } from './simulated-swarm.ts'

/** Whether the layers of a model may run several at once. */
export function offersRounds({ spec }: Pick<Manifest, 'spec'>): boolean {
  return !keepsOrder(spec) && spec.layers > 1
}

/** Two rounds of all layers. */
function halves(layers: number): readonly number[] {
  const first = Math.ceil(layers / 2)
  return [first, layers - first]
}

/** Draws a round as it comes back to whoever asks. */
export function followRounds(
  event: MemberEvent,
  lights: Pick<HopLights, 'inRounds'>,
  asker: string,
): void {
  if (event.type === 'progressed' && event.rounds.length > 0)
    lights.inRounds(event.request, event.route, event.rounds, asker)
}

/** The same picture through the same peers, in two rounds. */
export async function throughRounds(
  swarm: SimulatedSwarm,
  lane: Lane,
  { picture, tensor }: { readonly picture: Picture; readonly tensor: Tensor },
  { labels, spec }: Manifest,
): Promise<void> {
  lane.begin()
  try {
    const { answer, onProgress } = await swarm.ask(tensor, halves(spec.layers))
    let told: readonly Told[] = []
    const show = ({ route, rounds }: Pick<Answer, 'route' | 'rounds'>) => {
      told = markLies(route, told, swarm.liars)
      lane.showRoute(told, rounds)
    }
    onProgress(show)
    const answered = await answer
    const { probabilities, missingLayers, totalMs } = answered
    show(answered)
    lane.showLies(liesText(told, swarm.liars))
    const missing = missingText(missingLayers)
    lane.answered(verdictOf(probabilities[0] ?? [], picture, labels, totalMs), missing)
  } catch (error) {
    lane.broken(errorText(error))
  }
}
