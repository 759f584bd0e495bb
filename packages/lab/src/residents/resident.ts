import type { ClaimPolicy, Member, PeerId } from '@layerswarm/swarm'
import type { VirtualClock } from '@layerswarm/swarm/testing'
import {
  Recounts,
  SeededRandom,
  SIMULATED_RELEASE,
  simulatedMember,
} from '@layerswarm/swarm/testing'
import { LAYER_LOAD_MS } from '../limits.ts'
import type { LabNetwork } from '../network/gossip.ts'
import type { LabTransport } from '../network/lab-transport.ts'
import { symbolHash } from '../network/streams.ts'
import { type Actor, LIES, type Lie, peerName, type Session } from '../scenarios/population.ts'
import { type Settings, shapeOf } from '../scenarios/settings.ts'
import { labAttackPorts } from './attack-ports.ts'
import { ATTACKS, startAttack } from './attacks.ts'
import { type BadActorNeeds, startFlooder, startHollow, startSybil } from './bad-actors.ts'
import { LabCompute, type WorkBook } from './lab-compute.ts'
import { PeerClock } from './peer-clock.ts'

/** A peer that lives in a simulated world. */
export interface Resident {
  readonly session: Session
  readonly transport: LabTransport
  /** What its member runs on, and what its engine runs on. */
  readonly clock: PeerClock
  readonly engineClock: PeerClock
  readonly compute: LabCompute
  /** The layers that it was given to host; undefined where it chooses. */
  readonly block: readonly number[] | undefined
  /** Undefined for those who only abuse the protocol. */
  readonly member: Member | undefined
  /** Its connections stand. */
  connected: boolean
}

/** What a world has for those who come to live in it. */
export interface ResidentNeeds {
  readonly settings: Settings
  readonly seed: number
  /** Who claims a step, and when, in every member of the world. */
  readonly claimPolicy: ClaimPolicy
  /** The layers of a provider that settles now, or `auto` for what is rarest. */
  readonly serve: 'auto' | readonly number[]
  readonly world: VirtualClock
  readonly network: LabNetwork
  readonly book: WorkBook
  /** Called when a run begins; true when the peer dies in it. */
  diesIn(session: Session): boolean
  /** Its connections stand and it has begun. */
  began(resident: Resident): void
}

/** As long as a real one's name. */
const BOOTSTRAP = peerName(0xffff)

/** Where a tab is reached, by way of the bootstrap node; what a Node peer announces is shorter. */
function addressOf(peer: PeerId): string {
  return `/dns4/swarm.example.org/tcp/443/wss/p2p/${BOOTSTRAP}/p2p-circuit/webrtc/p2p/${peer}`
}

/** Brings a peer into the world; it begins when its connections stand. */
export function settle(needs: ResidentNeeds, session: Session): Resident {
  const { settings, seed, world, network } = needs
  const asks = ['asker', 'flooder', 'attacker'].includes(session.actor)
  const clock = new PeerClock(world)
  const engineClock = new PeerClock(world)
  const transport = network.join(session, !asks, () => {
    resident.connected = true
    begin(needs, resident)
    needs.began(resident)
  })
  const recounts = new Recounts(
    session.peer,
    () => world.nowMs(),
    (activation, bytes) => activation.place === 'inline' || activation.hash === symbolHash(bytes),
  )
  if (session.actor === 'accuser') transport.tap((message) => recounts.heard(message))
  const compute = createCompute(needs, session, engineClock, recounts)
  const shape = shapeOf(settings)
  const isBad = ['sybil', 'flooder', 'attacker'].includes(session.actor)
  const capacity = asks ? 0 : Math.min(settings['peers.capacity'], shape.layers)
  const member = isBad
    ? undefined
    : simulatedMember(
        {
          transport,
          clock,
          random: SeededRandom.stream(seed, 'member', session.index),
          compute,
        },
        {
          shape,
          policy: needs.claimPolicy,
          serve: asks ? 'auto' : needs.serve,
          capacity,
          slots: settings['peers.slots'],
          staggerMs: settings['policy.staggerMs'],
          lane: transport.station.lane?.index ?? 0,
          laneProviders: settings['lanes.peers'],
          links: () => transport.station.links.length,
          addresses: () => [addressOf(session.peer)],
          inlineBytes: settings['policy.inlineBytes'],
          audits: settings['policy.audits'] === 1,
        },
      ).member
  const resident: Resident = {
    session,
    transport,
    clock,
    engineClock,
    compute,
    block: asks || needs.serve === 'auto' ? undefined : needs.serve,
    member,
    connected: false,
  }
  return resident
}

function begin({ settings, seed, network }: ResidentNeeds, resident: Resident): void {
  const { session, transport, clock, member } = resident
  const bad = {
    transport,
    clock,
    random: SeededRandom.stream(seed, 'bad', session.index),
    release: SIMULATED_RELEASE,
    shape: shapeOf(settings),
  }
  if (session.actor === 'sybil') {
    if (settings['sybils.hollow'] === 1) startHollow(bad)
    else startSybil(bad)
  } else if (session.actor === 'flooder') startFlooder(bad, network, settings)
  else if (session.actor === 'attacker') clockAttack(bad, network, settings)
  else member?.start()
}

/** An attacker is an ordinary member until requests are made. */
function clockAttack(bad: BadActorNeeds, network: LabNetwork, settings: Settings): void {
  const kind = ATTACKS[settings['attack.kind']] ?? 'none'
  bad.clock.wakeAt(settings['requests.warmupMs'], () =>
    startAttack(kind, labAttackPorts(bad, network)),
  )
}

function lieOf(actor: Actor): Lie | 'accuser' | undefined {
  return actor === 'accuser' || LIES.includes(actor as Lie) ? (actor as Lie) : undefined
}

function createCompute(
  needs: ResidentNeeds,
  session: Session,
  clock: PeerClock,
  recounts: Recounts,
): LabCompute {
  const { settings, seed, book } = needs
  return new LabCompute(clock, SeededRandom.stream(seed, 'engine', session.index), book, {
    layers: settings['model.layers'],
    layerMs: settings['model.layerMs'] * session.slowness,
    sigma: settings['speed.sigma'],
    loadMs: LAYER_LOAD_MS + settings['model.layerBytes'] / session.down,
    corruptShare: settings['layers.corruptShare'],
    lie: lieOf(session.actor),
    isRecount: (layer, hop, input) => recounts.take(layer, hop, input),
    dies: () => needs.diesIn(session),
  })
}
