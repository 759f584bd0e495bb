import type { Conduct } from '../claims/conduct.ts'
import { has, type LayerSet, layerSet, meet, openSet } from '../claims/layer-set.ts'
import {
  STRAGGLER_EXTRA_MS,
  STRANGERS_FAIL_HONEST,
  STRANGERS_FAIL_START,
  WAY_UNKNOWN_MS,
} from '../claims/limits.ts'
import type { Choice, ClaimPolicy, Host } from '../claims/policy.ts'
import type { Strangers } from '../claims/strangers.ts'
import { draw } from '../draw.ts'
import type { Withholding } from '../fetch/withholding.ts'
import type { HostTrust } from '../presence/hosting.ts'
import { tagOf } from '../presence/near.ts'
import type { Neighbourhood } from '../presence/neighbourhood.ts'
import type { KnownPeer, PeerTable } from '../presence/peer-table.ts'
import type { Ways } from '../presence/ways.ts'
import type { ModelShape } from '../step.ts'
import type { PeerId, RequestId } from '../wire/messages.ts'
import { bestAuditors, domainIn } from './auditors.ts'
import type { ClaimBook } from './claim-book.ts'
import type { Doubts } from './doubts.ts'
import type { Flight } from './flight.ts'
import { TRIED_BY_EACH_MS } from './limits.ts'
import { isNeverFree } from './never-free.ts'
import { owesTrial } from './trial-duty.ts'

/** For whom it looks, over which model, by which policy. */
export interface ScoutOptions {
  readonly self: PeerId
  readonly shape: ModelShape
  readonly policy: ClaimPolicy
}

/** What a scout looks at; all of it is shared with the provider's other parts. */
export interface ScoutNeeds {
  readonly table: PeerTable
  readonly claims: ClaimBook
  readonly conduct: Conduct
  readonly strangers: Strangers
  readonly neighbourhood: Neighbourhood
  readonly ways: Ways
  /** Who hands results to nobody. */
  readonly withholding: Pick<Withholding, 'isAvoided'>
  /** Whom this member believes to compute what it says, by what it has found. */
  readonly isTrusted: (peer: PeerId) => boolean
}

/** Of a request that is looked at, what hosts are looked at for. */
interface Sought extends Pick<Flight, 'bars'> {
  readonly doubts: Pick<Doubts, 'declines' | 'isDoubted'>
  /** What others ran is to be run again: whoever hands nothing over may compute no less right. */
  readonly isRecount: boolean
}

/** A request of this member's own that has not begun. */
export interface Survey {
  readonly request: RequestId
  /** Layers to be applied. */
  readonly layers: readonly number[]
  /** Of its tensor. */
  readonly bytes: number
  /** Whom it bars, by their tags. */
  readonly barred: readonly number[]
  /** What others ran is to be run again. */
  readonly isRecount: boolean
}

/** Sees the members of the lane as an author must to choose one: where they are, how fast, how trusted. */
export class Scout {
  private readonly options: ScoutOptions
  private readonly needs: ScoutNeeds
  /** When it first looked for somebody, milliseconds. */
  private sinceMs: number | undefined

  constructor(options: ScoutOptions, needs: ScoutNeeds) {
    this.options = options
    this.needs = needs
  }

  /** What there is to choose from for the flight's newest step. @param tries choices already made for it. */
  choice(flight: Flight, open: readonly boolean[], tries: number, nowMs: number): Choice {
    const { self } = this.options
    const { newest, request } = flight
    const { strangers, neighbourhood } = this.needs
    this.sinceMs ??= nowMs
    const bytes =
      newest.activation.place === 'held' ? newest.activation.size : newest.activation.bytes.length
    const wanted = openSet(open)
    const isRecount = newest.isPrivate && newest.requester === self
    const { doubts } = flight
    const sought = { doubts, bars: (mark: number) => flight.bars(mark), isRecount }
    const hosts = this.hosts(sought, wanted, bytes, nowMs)
    return {
      request,
      round: draw(newest.route.length, newest.era, tries),
      self,
      requester: newest.requester,
      open: wanted,
      visitLayers: this.options.policy.visitLayers,
      hosts: isRecount ? this.auditors(flight, hosts, restOf(newest), wanted) : hosts,
      trialOneIn: tries > 1 ? Number.MAX_SAFE_INTEGER : strangers.trialOneIn,
      wayMs: (from, to) => neighbourhood.wayMs(from, to) ?? WAY_UNKNOWN_MS,
    }
  }

  /** The same for a request of this member's own that has not begun: everybody who could run its layers. */
  survey({ request, layers, bytes, barred, isRecount }: Survey, nowMs: number): Choice {
    const { self } = this.options
    const { strangers, neighbourhood } = this.needs
    const sought = {
      doubts: { declines: () => false, isDoubted: () => false },
      bars: (mark: number) => barred.includes(tagOf(mark)),
      isRecount,
    }
    const wanted = layerSet(layers)
    const hosts = this.hosts(sought, wanted, bytes, nowMs)
    return {
      request,
      round: 0,
      self,
      requester: self,
      open: wanted,
      visitLayers: this.options.policy.visitLayers,
      hosts: isRecount ? this.auditorsOfAll(sought, hosts, layers) : hosts,
      trialOneIn: strangers.trialOneIn,
      wayMs: (from, to) => neighbourhood.wayMs(from, to) ?? WAY_UNKNOWN_MS,
    }
  }

  /** Whoever is nearest of those that reach both this member and another; undefined when nobody does. */
  relayTo(flight: Flight, to: PeerId, nowMs: number): PeerId | undefined {
    return this.relay(flight, [to], nowMs)
  }

  /** The same where all hosts of open layers are out of this member's reach. */
  relayToHost(flight: Flight, open: readonly boolean[], nowMs: number): PeerId | undefined {
    const hosts = [...this.needs.table.all()].filter(
      ({ peer, mark, presence }) =>
        !flight.doubts.isDoubted(peer) &&
        !flight.bars(mark) &&
        presence.layers.some((layer) => open[layer]),
    )
    // Whoever is in reach fetches it by itself.
    if (hosts.some(({ peer }) => this.needs.ways.reaches(peer))) return undefined
    return this.relay(
      flight,
      hosts.map(({ peer }) => peer),
      nowMs,
    )
  }

  private relay(flight: Flight, targets: readonly PeerId[], nowMs: number): PeerId | undefined {
    const { table, conduct, neighbourhood, ways } = this.needs
    let best: PeerId | undefined
    let bestMs = Number.POSITIVE_INFINITY
    const candidates = [...table.all()].filter(({ mark }) => !flight.bars(mark))
    for (const { peer, heardAtMs } of candidates) {
      if (targets.includes(peer) || flight.doubts.isDoubted(peer) || !neighbourhood.reaches(peer))
        continue
      if (conduct.isDistrusted(peer, nowMs) || conduct.isSuspect(peer, heardAtMs)) continue
      for (const target of targets) {
        const onwardsMs = neighbourhood.wayMs(peer, target)
        const ms =
          onwardsMs === undefined ? Number.POSITIVE_INFINITY : onwardsMs + ways.rttMs(peer) / 2
        if (ms >= bestMs) continue
        best = peer
        bestMs = ms
      }
    }
    return best
  }

  /** Whether anybody has measured what a layer takes. */
  get isPaceKnown(): boolean {
    for (const { presence } of this.needs.table.all()) if (presence.measured) return true
    return false
  }

  /**
   * Who counts as a host of what it announces: everybody while strangers deliver more often than not; where they
   * do not, as among sybils, who has delivered to this member or to one that has. No layer is left to somebody that
   * has not delivered and cannot be tried either, nor to somebody that hands results to nobody or never has room.
   */
  trust(nowMs: number): HostTrust {
    const hosting = [...this.needs.table.all()].filter(({ presence }) => presence.layers.length > 0)
    const { vouched, strangersFail } = this.hearsay(hosting)
    const areBelieved = this.needs.strangers.share(strangersFail) <= STRANGERS_FAIL_START
    const isFree = ({ presence }: KnownPeer) => presence.freeSlots > 0
    const isMet = ({ peer }: KnownPeer) => this.needs.neighbourhood.reaches(peer)
    const hasDelivered = (known: KnownPeer) => this.isProven(known, vouched)
    const gives = ({ peer }: KnownPeer) => !this.needs.withholding.isAvoided(peer, nowMs)
    const hasRoom = (known: KnownPeer) =>
      !isNeverFree(known, this.needs.conduct.deliveredAtMs(known.peer), nowMs)
    const serves = (known: KnownPeer) => hasDelivered(known) && hasRoom(known)
    return {
      mayHost: (known) => gives(known) && ((areBelieved && isFree(known)) || serves(known)),
      hosts: (known) =>
        gives(known) && ((areBelieved && isFree(known) && isMet(known)) || serves(known)),
    }
  }

  private isProven({ peer, mark }: KnownPeer, vouched: ReadonlySet<number>): boolean {
    const { conduct } = this.needs
    return conduct.isProven(peer) || conduct.isVouched(peer) || vouched.has(tagOf(mark))
  }

  private hearsay(hosting: readonly KnownPeer[]) {
    const { conduct, neighbourhood } = this.needs
    return neighbourhood.hearsay(
      hosting.filter(({ peer }) => conduct.isProven(peer)).map(({ peer }) => peer),
    )
  }

  /** The usual time of one layer, as the others announce it, milliseconds; 1 while nobody does. */
  usualLayerMs(): number {
    const times = [...this.needs.table.all()]
      .filter(({ presence }) => presence.measured)
      .map(({ presence }) => presence.layerMs)
      .sort((a, b) => a - b)
    return times[(times.length - 1) >> 1] ?? 1
  }

  private hosts(flight: Sought, wanted: LayerSet, bytes: number, nowMs: number): Host[] {
    const { table, claims } = this.needs
    const hosting = [...table.all()].filter(
      ({ presence }) => presence.layers.length > 0 && presence.freeSlots > 0,
    )
    const counts = hosting.map(({ presence }) => presence.layers.length).sort((a, b) => a - b)
    const usualCount = counts[counts.length >> 2] ?? 1
    const usualMs = this.usualLayerMs()
    const said = this.hearsay(hosting)
    const loads = claims.loads(nowMs)
    const hosts: Host[] = []
    for (const known of hosting) {
      if (known.peer === this.options.self || flight.doubts.declines(known.peer)) continue
      if (flight.bars(known.mark)) continue
      const isProven = this.isProven(known, said.vouched)
      hosts.push(
        this.host(
          known,
          flight,
          { isProven, usualCount, usualMs, bytes, wanted, othersFail: said.strangersFail, loads },
          nowMs,
        ),
      )
    }
    return hosts
  }

  private host(
    known: KnownPeer,
    flight: Sought,
    seen: {
      readonly isProven: boolean
      readonly usualCount: number
      readonly usualMs: number
      readonly bytes: number
      readonly wanted: LayerSet
      readonly othersFail: number | undefined
      readonly loads: ReadonlyMap<PeerId, number>
    },
    nowMs: number,
  ): Host {
    const { peer, mark, presence, heardAtMs } = known
    const { conduct, strangers, neighbourhood, ways, withholding } = this.needs
    const { isProven, usualMs } = seen
    const layers = layerSet(presence.layers)
    const isAvoided = !flight.isRecount && withholding.isAvoided(peer, nowMs)
    const stranger = isProven ? 0 : strangers.costMs(ways.rttMs(peer), seen.othersFail)
    return {
      peer,
      mark,
      layers,
      layersMost: isProven
        ? presence.layers.length
        : Math.min(presence.layers.length, seen.usualCount),
      layerMs:
        isProven && presence.measured ? presence.layerMs : Math.max(presence.layerMs, usualMs),
      isMeasured: presence.measured,
      pending: seen.loads.get(peer) ?? 0,
      isReachable: neighbourhood.reaches(peer),
      isProven,
      isOwed: !isProven && meet(layers, seen.wanted) && this.owes(known, seen, nowMs),
      doubt:
        (flight.doubts.isDoubted(peer) ? 4 : 0) +
        (conduct.isDistrusted(peer, nowMs) || isAvoided ? 2 : 0) +
        (conduct.isSuspect(peer, heardAtMs) ? 1 : 0),
      extraMs: (conduct.isSlow(peer, nowMs) ? STRAGGLER_EXTRA_MS : 0) + stranger,
      // As far as its own access goes, in both directions: that of this member is the same for all.
      transferMs: ways.transferMs(seen.bytes, peer, peer),
    }
  }

  /** Who had better run again what others ran: whoever was found right often, and lives elsewhere than they do. */
  private auditors(
    sought: Pick<Flight, 'bars'>,
    hosts: Host[],
    rest: readonly number[],
    wanted = layerSet(rest),
  ): Host[] {
    const { table, isTrusted } = this.needs
    const domainOf = (peer: PeerId) => domainIn(table.get(peer)?.presence.addresses ?? [])
    const audited = [...table.all()].filter(({ mark }) => sought.bars(mark))
    const domains = new Set(audited.map(({ peer }) => domainOf(peer)))
    return bestAuditors(
      hosts.filter(({ layers, doubt }) => doubt === 0 && meet(layers, wanted)),
      hosts,
      (peer) => {
        const domain = domainOf(peer)
        const isApart = domain === undefined || !domains.has(domain)
        const hosted = table.get(peer)?.presence.layers ?? []
        const isWhole = rest.every((layer) => hosted.includes(layer))
        return { isTrusted: isTrusted(peer), isApart, isWhole }
      },
    )
  }

  /** The same where all of it is to be run at once: everybody where those have not all of it. */
  private auditorsOfAll(
    sought: Pick<Flight, 'bars'>,
    hosts: Host[],
    layers: readonly number[],
  ): Host[] {
    const best = this.auditors(sought, hosts, layers)
    const isWhole = layers.every((layer) => best.some((one) => has(one.layers, layer)))
    return isWhole ? best : hosts
  }

  /** Whether this member owes a newcomer its trial now. */
  private owes(
    known: KnownPeer,
    { othersFail, usualMs }: { readonly othersFail: number | undefined; readonly usualMs: number },
    nowMs: number,
  ): boolean {
    const { strangers, table, neighbourhood } = this.needs
    const failing = strangers.share(othersFail)
    if (failing > STRANGERS_FAIL_START) return false
    const isKnown = neighbourhood.isKnownToDeliver(known.mark)
    if (isKnown && usualMs < TRIED_BY_EACH_MS) return false
    return owesTrial(
      {
        author: draw(this.options.self),
        newcomer: known,
        members: table.all(),
        // It says itself that it has run nothing yet.
        isUrgent: !isKnown && !known.presence.measured && failing < STRANGERS_FAIL_HONEST,
        sinceMs: this.sinceMs ?? nowMs,
      },
      nowMs,
    )
  }
}

function restOf({ plan, route }: Flight['newest']): readonly number[] {
  return plan.slice(route.length)
}
