import type { Message, PeerId, TensorHash } from '../wire/messages.ts'
import { demand, demandEqual, until } from './acceptance.ts'
import { PATIENCE_MS } from './limits.ts'
import {
  at,
  done,
  type Ear,
  everyMessage,
  goodbye,
  hearing,
  type TransportBench,
  timesHeard,
} from './transport-bench.ts'

/** Somebody who is in no lane at all. */
const STRANGER = 'stranger' as PeerId

/** What is told is heard once, by whom it was told, and as its author said it. @throws Error when it is not so. */
export async function tellsOne(bench: TransportBench, lane: readonly Ear[]): Promise<void> {
  const [author, told, other] = [at(lane, 0), at(lane, 1), at(lane, 2)]
  const every = everyMessage(author.transport, bench, told.transport.self)
  // Only when the rest is heard: an older presence may be old news.
  const last = goodbye(author.transport, bench)
  for (const messages of [every, [last]]) {
    for (const message of messages) {
      author.transport.tell(message, told.transport.self)
      author.transport.tell(message, author.transport.self)
    }
    for (const message of messages) await hearing(bench, told, author.transport, message)
  }
  const back: Message = done()
  told.transport.tell(back, author.transport.self)
  await hearing(bench, author, told.transport, back)
  await bench.settle(bench.quietMs)
  demandEqual('messages that it is told', told.heard.length, every.length + 1)
  demandEqual('messages that somebody else is told', other.heard.length, 0)
  demandEqual('messages that their teller hears', author.heard.length, 1)
}

/** Many messages told at once are heard once each, in their order or another. @throws Error when it is not so. */
export async function tellsMany(bench: TransportBench, lane: readonly Ear[]): Promise<void> {
  const [author, told] = [at(lane, 0), at(lane, 1)]
  const messages = Array.from({ length: 50 }, done)
  for (const message of messages) author.transport.tell(message, told.transport.self)
  await until(bench, 'many told messages', () => told.heard.length >= messages.length, PATIENCE_MS)
  await bench.settle(bench.quietMs)
  for (const message of messages)
    demandEqual('times that it is heard', timesHeard(told, author.transport, message), 1)
}

/** Nothing comes of telling and pushing to a stranger, or after the end. @throws Error when it is not so. */
export async function tellsNobody(bench: TransportBench, lane: readonly Ear[]): Promise<void> {
  const [last, ender] = [at(lane, 0), at(lane, 1)]
  const say = (when: string, { transport }: Ear, to: PeerId) => {
    try {
      transport.tell(done(), to)
      transport.push('d'.repeat(64) as TensorHash, to)
    } catch (error) {
      throw new Error(`tell or push throws ${when}: ${String(error)}`)
    }
  }
  say('to a stranger', last, STRANGER)
  await bench.end(ender.transport.self)
  await until(bench, 'the loss', () => !last.transport.reaches(ender.transport.self), PATIENCE_MS)
  say('after its end', ender, last.transport.self)
  say('to one that is gone', last, ender.transport.self)
  await bench.settle(bench.quietMs)
  demandEqual('messages told by one that has ended', last.heard.length, 0)
  demandEqual('messages told to one that has ended', ender.heard.length, 0)
}

/** A banned peer is not heard, whatever it tells. @throws Error when it is not so. */
export async function hearsNoneOfTheBanned(
  bench: TransportBench,
  lane: readonly Ear[],
): Promise<void> {
  const [banned, banning, other] = [at(lane, 0), at(lane, 1), at(lane, 2)]
  // First of all a stream stands between them.
  const before: Message = done()
  banned.transport.tell(before, banning.transport.self)
  await hearing(bench, banning, banned.transport, before)
  banning.transport.ban(banned.transport.self)
  const say = () => banned.transport.tell(done(), banning.transport.self)
  say()
  await bench.settle(bench.quietMs)
  say()
  const honest: Message = done()
  other.transport.tell(honest, banning.transport.self)
  await hearing(bench, banning, other.transport, honest)
  await bench.settle(bench.quietMs)
  const heard = banning.heard.filter(({ from }) => from === banned.transport.self).length
  demandEqual('messages of a banned peer that are heard', heard, 1)
}

/** Everybody reaches all others that are there, and nobody itself. @throws Error when it is not so. */
export async function knowsItsNeighbours(
  bench: TransportBench,
  lane: readonly Ear[],
): Promise<void> {
  const selves = lane.map(({ transport }) => transport.self)
  const check = ({ transport }: Ear, there: readonly PeerId[]) => {
    const others = there.filter((peer) => peer !== transport.self).sort()
    demandEqual('neighbours', [...transport.neighbours()].sort().join(), others.join())
    for (const peer of [...selves, STRANGER]) {
      const isThere = others.includes(peer)
      demandEqual('whether it reaches a member', transport.reaches(peer), isThere)
    }
  }
  for (const ear of lane) check(ear, selves)
  const [leaver = STRANGER, ...rest] = selves
  await bench.end(leaver)
  for (const ear of lane.slice(1)) {
    const { transport } = ear
    await until(bench, 'the loss', () => !transport.reaches(leaver), PATIENCE_MS)
    check(ear, rest)
    demandEqual('the round trip to one that is gone', transport.rttMs(leaver), undefined)
  }
}

/** The round trip to a neighbour is known soon, and to nobody else; no speed is impossible. @throws Error when it is not so. */
export async function knowsRoundTrips(bench: TransportBench, lane: readonly Ear[]): Promise<void> {
  const [least, most] = bench.roundTripMs
  for (const { transport } of lane) {
    for (const peer of transport.neighbours()) {
      const known = () => transport.rttMs(peer) !== undefined
      await until(bench, 'the measurement of a round trip', known, PATIENCE_MS)
      const ms = transport.rttMs(peer) ?? 0
      demand(ms > 0 && ms >= least && ms <= most, `a round trip of ${ms} ms`)
    }
    demandEqual('the round trip to itself', transport.rttMs(transport.self), undefined)
    demandEqual('the round trip to a stranger', transport.rttMs(STRANGER), undefined)
    for (const speed of Object.values(transport.accessSpeed()))
      demand(
        speed === undefined || (speed > 0 && speed < Infinity),
        `an access of ${speed} bytes per millisecond`,
      )
  }
}
