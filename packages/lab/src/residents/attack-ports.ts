import type { Clock, Message, ModelShape, PeerId, Random, Step, Transport } from '@layerswarm/swarm'
import { sealedBy } from '@layerswarm/swarm/testing'
import { CROWD_NAMES_FROM } from '../limits.ts'
import type { LabNetwork } from '../network/gossip.ts'
import { peerName } from '../scenarios/population.ts'
import { announce, type BadActorNeeds } from './bad-actors.ts'

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

/** An attacker's ports in a simulated world. */
export function labAttackPorts(needs: BadActorNeeds, network: LabNetwork): AttackPorts {
  const { transport, clock, random, release, shape } = needs
  const { station } = transport
  return {
    transport,
    clock,
    random,
    release,
    shape,
    lane: () => station.lane?.index ?? 0,
    isThere: () => station.alive,
    stranger: (index) => peerName(CROWD_NAMES_FROM + index),
    seal: (author, step, sealed) => sealed(sealedBy(author, step, release)),
    forge: (author, message) => network.forge(station, author, message),
    eavesdrop: (heard) => network.eavesdrop(heard),
    host: (layerMs) => announce(needs, layerMs),
  }
}
