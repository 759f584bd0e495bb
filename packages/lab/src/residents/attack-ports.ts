import { type AttackPorts, sealedBy } from '@layerswarm/swarm/testing'
import { CROWD_NAMES_FROM } from '../limits.ts'
import type { LabNetwork } from '../network/gossip.ts'
import { peerName } from '../scenarios/population.ts'
import { announce, type BadActorNeeds } from './bad-actors.ts'

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
    host: (layerMs) => announce(needs, { layerMs }),
  }
}
