import { type PeerId, peerIdOfKey } from '@layerswarm/swarm'
import { SeededRandom } from '@layerswarm/swarm/testing'
import { ATTACKER_BYTES_PER_MS, BYTES_PER_MS_PER_MBPS } from '../limits.ts'
import { exponential, logNormal, weibull, weibullMean, weibullResidual } from './distributions.ts'
import type { Settings } from './settings.ts'

/** What a liar hands on instead of the layer's output. */
export const LIES = [
  'free-rider',
  'random',
  'scaled',
  'stale',
  'other-layer',
  'one-in-ten',
] as const
/** One of LIES. */
export type Lie = (typeof LIES)[number]

/** What a peer is up to, from its arrival to its end. */
export type Actor =
  | 'honest'
  | 'asker'
  | 'sybil'
  | 'flooder'
  | 'attacker'
  | 'accuser'
  | 'withholder'
  | Lie
/** How a session ends: with a word, without, or with open sockets that nobody reads. */
export type Departure = 'goodbye' | 'kill' | 'freeze'

/** One peer from its arrival to its end; drawn before the run, so that every policy meets the same. */
export interface Session {
  readonly index: number
  readonly peer: PeerId
  readonly actor: Actor
  readonly joinMs: number
  /** There when the run begins. */
  readonly found: boolean
  readonly leaveMs: number
  readonly departure: Departure
  /** Moments at which it freezes for a while. */
  readonly freezesMs: readonly number[]
  readonly deviceLossesMs: readonly number[]
  /** Multiplies the model's layer time. */
  readonly slowness: number
  /** Bytes per millisecond. */
  readonly up: number
  readonly down: number
  /** Milliseconds of work per message. */
  readonly messageMs: number
  /** On the far side when the network splits. */
  readonly far: boolean
}

/** A name as long as a real one: the base58 form of an Ed25519 peer id has 52 characters. */
export function peerName(index: number): PeerId {
  return peerIdOfKey(SeededRandom.stream(index, 'key').bytes(32)) as PeerId
}

/** Everybody who will ever be there, in the order of arrival, and until when peers arrive. */
export function populate(settings: Settings, seed: number, untilMs: number): Session[] {
  const sessions: Session[] = []
  const random = SeededRandom.stream(seed, 'population')
  const add = (joinMs: number, actor: Actor | undefined, found: boolean) => {
    const session = drawSession(settings, seed, sessions.length, joinMs, actor, found)
    sessions.push(session)
    if (session.actor === 'sybil' && session.leaveMs < untilMs) reborn.push(session.leaveMs)
  }
  const reborn: number[] = []
  const providers = settings['peers.count']
  const askers = Math.max(1, Math.ceil(providers * settings['peers.askersShare']))
  const settleMs = Math.min(3_000, settings['requests.warmupMs'] / 2)
  for (let i = 0; i < providers; i++) add(random.uniform() * settleMs, undefined, true)
  for (let i = 0; i < askers; i++) add(settleMs + random.uniform() * settleMs, 'asker', true)
  for (let i = 0; i < settings['flooders.count']; i++)
    add(settings['requests.warmupMs'] + 10_000, 'flooder', true)
  if (settings['attack.kind'] > 0) add(2 * settleMs, 'attacker', true)
  for (const atMs of arrivals(settings, random, untilMs)) add(atMs, undefined, false)
  const flashMs = settings['flashCrowd.atMs']
  if (flashMs > 0) {
    const crowd = Math.round(providers * (settings['flashCrowd.factor'] - 1))
    const curious = Math.round(askers * (settings['flashCrowd.factor'] - 1))
    for (let i = 0; i < crowd + curious; i++) {
      const atMs = flashMs + random.uniform() * settings['flashCrowd.ms']
      add(atMs, i < crowd ? undefined : 'asker', false)
    }
  }
  // A sybil whose name is burnt comes back under a new one.
  for (let next = reborn.shift(); next !== undefined; next = reborn.shift())
    add(next, 'sybil', false)
  return sessions.sort((a, b) => a.joinMs - b.joinMs || a.index - b.index)
}

/** Arrivals that on average replace those who leave. */
function* arrivals(settings: Settings, random: SeededRandom, untilMs: number): Generator<number> {
  const scale = settings['churn.scaleMs']
  if (scale === 0 || settings['churn.replace'] === 0) return
  const mean = weibullMean(settings['churn.shape'], scale)
  const gap = mean / (settings['peers.count'] * settings['churn.replace'])
  const shape = settings['churn.arrivalShape']
  const gapScale = gap / weibullMean(shape, 1)
  let atMs = weibull(random, shape, gapScale)
  while (atMs < untilMs) {
    yield atMs
    atMs += weibull(random, shape, gapScale)
  }
}

function drawSession(
  settings: Settings,
  seed: number,
  index: number,
  joinMs: number,
  given: Actor | undefined,
  found: boolean,
): Session {
  const random = SeededRandom.stream(seed, 'peer', index)
  const actor = given ?? drawActor(settings, random)
  const straggler = random.chance(settings['stragglers.share']) && actor !== 'asker'
  const pace = straggler ? settings['stragglers.factor'] : 1
  const mobile = random.chance(settings['links.mobileShare'])
  const access = (medianMbps: number) =>
    actor === 'attacker'
      ? ATTACKER_BYTES_PER_MS
      : logNormal(random, medianMbps, settings['links.speedSigma']) * BYTES_PER_MS_PER_MBPS
  const life = lifeMs(settings, random, actor, found)
  const massLeaveMs = settings['massLeave.atMs']
  const leavesWithAll =
    massLeaveMs > joinMs && actor !== 'asker' && random.chance(settings['massLeave.share'])
  const leaveMs = Math.min(
    actor === 'attacker' ? attackEndsMs(settings, seed) : joinMs + life,
    leavesWithAll ? massLeaveMs + random.uniform() * 1_000 : Number.POSITIVE_INFINITY,
  )
  return {
    index,
    peer: peerName(index),
    actor,
    joinMs,
    found,
    leaveMs,
    departure: actor === 'attacker' ? 'goodbye' : drawDeparture(settings, random),
    // A frozen asker could not be answered by any system.
    freezesMs:
      actor === 'asker' ? [] : occasions(random, settings['freeze.perMinute'], joinMs, leaveMs),
    deviceLossesMs: occasions(random, settings['device.lossPerMinute'], joinMs, leaveMs),
    slowness: speedFactor(settings, random) * pace,
    up: access(settings[mobile ? 'links.mobileUpMbps' : 'links.upMbps']),
    down: access(settings[mobile ? 'links.mobileDownMbps' : 'links.downMbps']),
    messageMs: settings['gossip.messageMs'] * pace,
    far: random.chance(settings['partition.share']),
  }
}

function drawActor(settings: Settings, random: SeededRandom): Actor {
  const roll = random.uniform()
  const lie = LIES[random.below(LIES.length)] as Lie
  if (roll < settings['liars.share']) return lie
  const lying = settings['liars.share']
  const accusing = lying + settings['sybils.share']
  if (roll < accusing) return 'sybil'
  const withholding = accusing + settings['accusers.share']
  if (roll < withholding) return 'accuser'
  return roll < withholding + settings['withholders.share'] ? 'withholder' : 'honest'
}

function lifeMs(settings: Settings, random: SeededRandom, actor: Actor, found: boolean): number {
  const scale = settings['churn.scaleMs']
  const forever = Number.POSITIVE_INFINITY
  if (actor === 'asker' || actor === 'flooder' || actor === 'attacker') return forever
  if (actor === 'sybil') return settings['sybils.lifeMs'] || forever
  if (scale === 0) return forever
  return found
    ? weibullResidual(random, settings['churn.shape'], scale)
    : weibull(random, settings['churn.shape'], scale)
}

function drawDeparture(settings: Settings, random: SeededRandom): Departure {
  const roll = random.uniform()
  if (roll < settings['churn.goodbyeShare']) return 'goodbye'
  return roll < settings['churn.goodbyeShare'] + settings['churn.freezeShare'] ? 'freeze' : 'kill'
}

function speedFactor(settings: Settings, random: SeededRandom): number {
  const roll = random.uniform()
  if (roll < settings['speed.nodeShare']) return settings['speed.nodeFactor']
  return roll < settings['speed.nodeShare'] + settings['speed.hiddenShare']
    ? settings['speed.hiddenFactor']
    : 1
}

/** Poisson moments of a life; at most a thousand. */
function occasions(random: SeededRandom, perMinute: number, from: number, to: number): number[] {
  const moments: number[] = []
  if (perMinute === 0) return moments
  let at = from
  while (moments.length < 1_000) {
    at += exponential(random, 60_000 / perMinute)
    if (at >= to) break
    moments.push(at)
  }
  return moments
}

/** One thing that somebody asks, and when. */
export interface Order {
  readonly index: number
  readonly atMs: number
  /** Says which of the askers present asks it, 0 … 1. */
  readonly asker: number
}

/** An attacker leaves before the request that begins the second half. */
export function attackEndsMs(settings: Settings, seed: number): number {
  const orders = workload(settings, seed)
  return orders[orders.length >> 1]?.atMs ?? 0
}

/** When requests are made: Poisson arrivals, more of them while a crowd is there. */
export function workload(settings: Settings, seed: number): Order[] {
  const random = SeededRandom.stream(seed, 'workload')
  const flashMs = settings['flashCrowd.atMs']
  const orders: Order[] = []
  let atMs = settings['requests.warmupMs']
  while (orders.length < settings['requests.count']) {
    const crowded = flashMs > 0 && atMs >= flashMs
    const perMinute = settings['requests.perMinute'] * (crowded ? settings['flashCrowd.factor'] : 1)
    atMs += exponential(random, 60_000 / perMinute)
    orders.push({ index: orders.length, atMs, asker: random.uniform() })
  }
  return orders
}
