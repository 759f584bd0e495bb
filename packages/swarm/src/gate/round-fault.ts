import type { ModelShape } from '../step.ts'
import type { Round, Update } from '../wire/messages.ts'
import { tensorFault } from './step-fault.ts'

/** Says in one line what makes a message of a round impossible, or undefined; by the message alone. */
export function roundFault(message: Round | Update, shape: ModelShape): string | undefined {
  if (shape.keepsOrder === true) return 'a round of a release that keeps its order'
  const isRound = message.kind === 'round'
  const layers = isRound ? message.layers : message.layers.map(({ layer }) => layer)
  const beyond = layers.find((layer) => layer >= shape.layers)
  if (beyond !== undefined) return `layer ${beyond} does not exist`
  if (new Set(layers).size !== layers.length) return 'a layer of a round stands twice'
  if (message.round >= shape.layers) return 'more rounds than the model has layers'
  const tensor = isRound ? message.input : message.sum
  if (isRound && layers.length === 0) return 'a round without a layer'
  if ((tensor === undefined) !== (layers.length === 0))
    return 'an update has a sum where it has layers, and nowhere else'
  return tensor && tensorFault(tensor, shape)
}
