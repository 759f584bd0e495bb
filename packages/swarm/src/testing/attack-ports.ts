import type { Clock, Random, Transport } from '../ports.ts'
import type { ModelShape } from '../step.ts'
import type { Message, PeerId, Step } from '../wire/messages.ts'

/** What an attacker does with a transport. */
type AttackTransport = Pick<Transport, 'self' | 'publish' | 'tell' | 'listen' | 'neighbours'>

/**
 * What an attacker has of a swarm. The lab brings these in virtual time; a program that attacks a swarm of real
 * processes brings a transport, keys and a clock of its own, and does the same.
 */
export interface AttackPorts {
  readonly transport: AttackTransport
  readonly clock: Clock
  readonly random: Random
  /** Hash of the release's manifest, hex. */
  readonly release: string
  readonly shape: ModelShape
  /** The lane that it is in. */
  lane(): number
  /** It has not been killed. */
  isThere(): boolean
  /** The name of a throw-away key, by its number. */
  stranger(index: number): PeerId
  /** A step with a true link of its author's own, who is this peer or a stranger, whatever is true of the others. */
  seal(author: PeerId, step: Step, sealed: (step: Step) => void): void
  /** Says in the lane what another has signed: a stranger, or once more what was heard. */
  forge(author: PeerId, message: Message): void
  /** From now on this is told what others say, as if each step had been told to it. */
  eavesdrop(heard: (from: PeerId, message: Message) => void): void
  /** Announces every layer, and so many milliseconds for one. */
  host(layerMs: number): void
}
