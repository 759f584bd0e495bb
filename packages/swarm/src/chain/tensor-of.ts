import { sha256 } from '@layerswarm/model'
import type { Activation, TensorHash } from '../wire/messages.ts'

/** The name of a tensor: the hash under which it is held, SHA-256 of its bytes. */
export function tensorOf(activation: Activation): TensorHash {
  return activation.place === 'held'
    ? activation.hash
    : (sha256(activation.bytes) as string as TensorHash)
}
