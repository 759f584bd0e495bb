import {
  type Compute,
  createGate,
  encodeMessage,
  type Gate,
  judgeMessage,
  type Message,
  type ModelShape,
  type PeerId,
  type Transport,
  type TransportEvents,
} from '@layerswarm/swarm'
import type { VirtualClock } from '@layerswarm/swarm/testing'
import type { Action } from './actions.ts'

type Break = Extract<Action, { do: 'break' }>

/** How each port behaves at the moment; those that are not named work. */
export type Faults = Map<Break['port'], Break['how']>

/** What comes `late` comes after this, milliseconds: longer than a stall, shorter than a deadline. */
const LATE_MS = 2_500

/** Hands on what a port reports, as the port behaves: at once, late or never. */
function asPortDoes<T>(
  clock: VirtualClock,
  how: Break['how'] | undefined,
  report: (value: T) => void,
  failure: NoInfer<T>,
): (value: T) => void {
  if (how === 'never') return () => {}
  if (how === 'late')
    return (value) => void clock.wakeAt(clock.nowMs() + LATE_MS, () => report(value))
  return how === 'fails' ? () => report(failure) : report
}

/** What the subject is connected by, as far as a run steers and watches it. */
export interface Guarded {
  readonly transport: Transport
  readonly gate: Gate
  /** Something that arrives from outside of the simulated network; the gate judges it first. */
  arrive(from: PeerId, message: Message, via: PeerId, number: bigint | undefined): void
  disconnect(peer: PeerId): void
}

/** What watches over it. */
export interface Watcher {
  /** It says a message: to one peer, or to all. */
  said(message: Message): void
  /** It hears one. @param isGossiped others can say it again in the name of its author. */
  heard(from: PeerId, message: Message, isGossiped: boolean): void
}

/**
 * The subject's transport: a simulated one behind the gate that stands before every member in production, whose
 * calls fail, come late or never end on demand.
 */
export function guarded(
  inner: Transport,
  clock: VirtualClock,
  shape: ModelShape,
  faults: Faults,
  watcher: Watcher,
): Guarded {
  const gate = createGate()
  let events: TransportEvents | undefined
  const ban = (peer: PeerId) => {
    gate.ban(peer, clock.nowMs())
    inner.ban(peer)
  }
  const arrive = (from: PeerId, message: Message, via: PeerId, number: bigint | undefined) => {
    const verdict = gate.judge(
      {
        source: via,
        author: from,
        isPresence: message.kind === 'presence',
        number,
        content: () => judgeMessage(encodeMessage(message), undefined, from, shape),
      },
      clock.nowMs(),
    )
    if (verdict.verdict === 'ban') ban(verdict.peer as PeerId)
    if (verdict.verdict !== 'deliver') return
    watcher.heard(from, verdict.message, number !== undefined)
    events?.messageArrived(from, verdict.message, via)
  }
  const transport: Transport = {
    self: inner.self,
    sign: (statement, signed) =>
      inner.sign(statement, asPortDoes(clock, faults.get('sign'), signed, undefined)),
    verify(statements, verified) {
      // It may be slow, and it may be wrong by a failure; it is never right by one.
      inner.verify(statements, asPortDoes(clock, faults.get('verify'), verified, false))
    },
    listen(heard) {
      events = heard
      const end = inner.listen({
        messageArrived: (from, message, via) => arrive(from, message, via, undefined),
        peerDisconnected: (peer) => heard.peerDisconnected(peer),
      })
      return () => {
        events = undefined
        end()
      }
    },
    enter(lane) {
      gate.enter(lane)
      inner.enter(lane)
    },
    countLanes: (counted) =>
      inner.countLanes(asPortDoes(clock, faults.get('count-lanes'), counted, undefined)),
    publish(message) {
      watcher.said(message)
      if (works(faults, 'tell')) inner.publish(message)
    },
    tell(message, to) {
      watcher.said(message)
      if (works(faults, 'tell')) inner.tell(message, to)
    },
    offer(bytes, offered) {
      const how = faults.get('offer')
      // What could not be offered is not held either.
      if (how === 'fails') return offered(undefined)
      if (how !== 'never') inner.offer(bytes, asPortDoes(clock, how, offered, undefined))
    },
    withdraw: (hash) => inner.withdraw(hash),
    push: (hash, to) => inner.push(hash, to),
    pull: (tensor, isAwaited, pulled) =>
      inner.pull(tensor, isAwaited, asPortDoes(clock, faults.get('pull'), pulled, undefined)),
    reaches: (peer) => inner.reaches(peer),
    neighbours: () => inner.neighbours(),
    rttMs: (peer) => (works(faults, 'measure') ? inner.rttMs(peer) : undefined),
    accessSpeed: () => inner.accessSpeed(),
    ban,
  }
  return { transport, gate, arrive, disconnect: (peer) => events?.peerDisconnected(peer) }
}

const works = (faults: Faults, port: Break['port']) => (faults.get(port) ?? 'works') === 'works'

/** An engine whose calls fail, come late or never end on demand. */
export function faultyCompute(inner: Compute, clock: VirtualClock, faults: Faults): Compute {
  const failure = { failure: 'as it was told' }
  return {
    backend: inner.backend,
    host: (layer, hosted) =>
      inner.host(
        layer,
        asPortDoes<string | undefined>(clock, faults.get('host'), hosted, 'as it was told'),
      ),
    drop: (layer) => inner.drop(layer),
    run: (layer, hop, input, finished) =>
      inner.run(layer, hop, input, asPortDoes(clock, faults.get('run'), finished, failure)),
    runHead: (input, finished) =>
      inner.runHead(input, asPortDoes(clock, faults.get('head'), finished, failure)),
  }
}
