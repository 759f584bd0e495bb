import type { Message } from '../wire/messages.ts'
import { type AcceptanceCase, caseOn, demandEqual, until } from './acceptance.ts'
import { PATIENCE_MS } from './limits.ts'
import {
  at,
  done,
  type Ear,
  everyMessage,
  firstStep,
  goodbye,
  hearing,
  largestMessages,
  listening,
  type TransportBench,
  timesHeard,
} from './transport-bench.ts'
import {
  hearsNoneOfTheBanned,
  knowsItsNeighbours,
  knowsRoundTrips,
  tellsMany,
  tellsNobody,
  tellsOne,
} from './transport-direct.ts'
import { countsOnce, entersAgain, goesOnAcrossLanes, keepsLanesApart } from './transport-lanes.ts'
import {
  asksForTheAwaited,
  cancelsAwaitedPulls,
  givesAPushToAll,
  givesThePushed,
  waitsForAPush,
} from './transport-pushes.ts'
import { signsWhatOthersCheck } from './transport-signatures.ts'
import {
  answersOffersOnce,
  cancelsPulls,
  handsOver,
  hasNoTensorOfTheGone,
  hasNoUnknownTensor,
  keepsTensorsApart,
  withdraws,
  withdrawsUnknown,
} from './transport-tensors.ts'

/**
 * What every transport must pass, without a test framework. That a message arrives is asked of a
 * network that loses none; nothing is asked about the order in which messages arrive.
 * @param openBench makes a lane for each case.
 */
export function transportAcceptance(openBench: () => Promise<TransportBench>): AcceptanceCase[] {
  const check = (
    name: string,
    members: number,
    run: (bench: TransportBench, lane: readonly Ear[]) => Promise<void>,
  ) =>
    caseOn(openBench, name, async (bench) => {
      const transports = await bench.makeTransports(members)
      demandEqual('members made', transports.length, members)
      await run(bench, transports.map(listening))
    })
  return [
    check('delivers every message to all others once, as its author said it', 4, delivers),
    check('delivers many messages at once, each once', 3, deliversMany),
    check('delivers and tells messages as large as they may be', 2, deliversTheLargest),
    check('tells a listener nothing after it stopped, and the others all', 3, stopsListening),
    check('tells a listener that listens again', 2, listensAgain),
    check(
      'signs what every other can check, and takes nothing else for true',
      2,
      signsWhatOthersCheck,
    ),
    check('hands over an offered tensor, to many and to its own holder', 3, handsOver),
    check('answers an offer once', 1, answersOffersOnce),
    check('keeps tensors apart', 2, keepsTensorsApart),
    check('does not hand over a tensor that was withdrawn', 2, withdraws),
    check('does not mind to withdraw a tensor that it never had', 1, withdrawsUnknown),
    check('has no tensor that was never offered', 2, hasNoUnknownTensor),
    check('has no tensor of a holder that is gone', 2, hasNoTensorOfTheGone),
    check('says nothing about a pull that was cancelled', 2, cancelsPulls),
    check('tells a message to one peer, once, and to nobody else', 3, tellsOne),
    check('tells many messages at once, each once', 2, tellsMany),
    check(
      'never throws when it tells a stranger or after its end, and nobody hears it',
      2,
      tellsNobody,
    ),
    check('does not hear what a banned peer tells', 3, hearsNoneOfTheBanned),
    check('knows whom it reaches, until they are gone', 3, knowsItsNeighbours),
    check('knows soon how far its neighbours are', 3, knowsRoundTrips),
    check('gives a pushed tensor without asking its holder, awaited or not', 3, givesThePushed),
    check('waits for a tensor that is to be pushed', 2, waitsForAPush),
    check('gives a pushed tensor to all who wait for it', 2, givesAPushToAll),
    check('asks for an awaited tensor that is not pushed', 2, asksForTheAwaited),
    check('says nothing about an awaited pull that was cancelled', 2, cancelsAwaitedPulls),
    check('keeps lanes apart', 3, keepsLanesApart),
    check('tells a member of a lane that one of the two has left', 3, goesOnAcrossLanes),
    check('enters a lane again', 2, entersAgain),
    check('says once how full the lanes are, or that it cannot say', 2, countsOnce),
    check('does not hear whom it bans, through others neither', 3, bans),
    check('loses the connection to whom it bans, and says so once', 3, losesTheBanned),
    check('says once that a peer is gone', 3, saysWhoIsGone),
    check('never throws when it publishes, after its end neither', 2, neverThrows),
    check('tells an ended member nothing more', 2, tellsTheEndedNothing),
  ]
}

/** Publishes what each member says, and waits until all others have heard it. */
async function publishAll(
  bench: TransportBench,
  lane: readonly Ear[],
  messagesOf: (ear: Ear, index: number) => readonly Message[],
): Promise<void> {
  const said = lane.flatMap((ear, i) => messagesOf(ear, i).map((message) => ({ ear, message })))
  for (const { ear, message } of said) ear.transport.publish(message)
  for (const listener of lane) {
    for (const { ear, message } of said) {
      if (ear !== listener) await hearing(bench, listener, ear.transport, message)
    }
  }
}

async function delivers(bench: TransportBench, lane: readonly Ear[]): Promise<void> {
  let messages = 1
  await publishAll(bench, lane, ({ transport }, i) => {
    const next = at(lane, (i + 1) % lane.length).transport.self
    const every = everyMessage(transport, bench, next)
    messages = every.length + 1
    return every
  })
  // Only now: an older presence would be old news.
  await publishAll(bench, lane, ({ transport }) => [goodbye(transport, bench)])
  await bench.settle(bench.quietMs)
  for (const { heard, transport } of lane) {
    const own = heard.filter(({ from }) => from === transport.self).length
    demandEqual('own messages that a member hears', own, 0)
    demandEqual('messages that a member hears', heard.length, (lane.length - 1) * messages)
  }
}

async function deliversTheLargest(bench: TransportBench, lane: readonly Ear[]): Promise<void> {
  const [author, other] = [at(lane, 0), at(lane, 1)]
  for (const message of largestMessages(author.transport, bench)) {
    author.transport.publish(message)
    await hearing(bench, other, author.transport, message)
    const before = other.heard.length
    author.transport.tell(message, other.transport.self)
    const isTold = () => other.heard.length > before
    await until(bench, `a told ${message.kind}`, isTold, PATIENCE_MS)
    demandEqual('times that it is heard', timesHeard(other, author.transport, message), 2)
  }
}

async function deliversMany(bench: TransportBench, lane: readonly Ear[]): Promise<void> {
  const [author, ...others] = lane
  if (author === undefined) throw new Error('no author')
  const messages = Array.from({ length: 50 }, done)
  for (const message of messages) author.transport.publish(message)
  for (const ear of others) {
    const all = () => ear.heard.length >= messages.length
    await until(bench, 'the delivery of many messages', all, PATIENCE_MS)
  }
  await bench.settle(bench.quietMs)
  for (const ear of others) {
    for (const message of messages) {
      demandEqual('times that it is heard', timesHeard(ear, author.transport, message), 1)
    }
  }
}

async function stopsListening(bench: TransportBench, lane: readonly Ear[]): Promise<void> {
  const [author, deaf, other] = [at(lane, 0), at(lane, 1), at(lane, 2)]
  deaf.stop()
  try {
    deaf.stop()
  } catch (error) {
    throw new Error(`to stop listening twice throws: ${String(error)}`)
  }
  const message = done()
  author.transport.publish(message)
  await hearing(bench, other, author.transport, message)
  await bench.end(author.transport.self)
  await until(bench, 'the loss', () => other.gone.length > 0, PATIENCE_MS)
  await bench.settle(bench.quietMs)
  demandEqual('messages heard without listening', deaf.heard.length, 0)
  demandEqual('losses heard without listening', deaf.gone.length, 0)
}

async function listensAgain(bench: TransportBench, lane: readonly Ear[]): Promise<void> {
  const [author, listener] = [at(lane, 0), at(lane, 1)]
  listener.stop()
  const again = listening(listener.transport)
  const message = done()
  author.transport.publish(message)
  await hearing(bench, again, author.transport, message)
  demandEqual('messages heard without listening', listener.heard.length, 0)
}

async function bans(bench: TransportBench, lane: readonly Ear[]): Promise<void> {
  const [banned, banning, other] = [at(lane, 0), at(lane, 1), at(lane, 2)]
  banning.transport.ban(banned.transport.self)
  await bench.settle(bench.quietMs)
  const unheard = done()
  banned.transport.publish(unheard)
  await hearing(bench, other, banned.transport, unheard)
  const honest = done()
  other.transport.publish(honest)
  await hearing(bench, banning, other.transport, honest)
  await bench.settle(bench.quietMs)
  const heard = timesHeard(banning, banned.transport, unheard)
  demandEqual('times that a banned peer is heard', heard, 0)
}

async function losesTheBanned(bench: TransportBench, lane: readonly Ear[]): Promise<void> {
  const [banned, banning, other] = [at(lane, 0), at(lane, 1), at(lane, 2)]
  const { self } = banned.transport
  banning.transport.ban(self)
  banning.transport.ban(self)
  await until(bench, 'the loss', () => banning.gone.includes(self), PATIENCE_MS)
  const back = () => banned.gone.includes(banning.transport.self)
  await until(bench, 'the loss at the other end', back, PATIENCE_MS)
  await bench.settle(bench.quietMs)
  demandEqual('losses told to who banned', banning.gone.join(), self)
  demandEqual('losses told to who was banned', banned.gone.join(), banning.transport.self)
  demandEqual('losses told to others', other.gone.length, 0)
}

async function saysWhoIsGone(bench: TransportBench, lane: readonly Ear[]): Promise<void> {
  const [leaver, ...others] = lane
  if (leaver === undefined) throw new Error('no leaver')
  const { self } = leaver.transport
  await bench.end(self)
  for (const { gone } of others) {
    await until(bench, 'the loss', () => gone.includes(self), PATIENCE_MS)
  }
  await bench.settle(bench.quietMs)
  for (const { gone } of others) demandEqual('losses told', gone.join(), self)
}

async function neverThrows(bench: TransportBench, lane: readonly Ear[]): Promise<void> {
  const [last, ender] = [at(lane, 0), at(lane, 1)]
  const say = (when: string, { transport }: Ear) => {
    try {
      transport.publish(firstStep(transport, bench))
      transport.publish(done())
    } catch (error) {
      throw new Error(`publish throws ${when}: ${String(error)}`)
    }
  }
  ender.stop()
  say('without a listener', ender)
  await bench.end(ender.transport.self)
  say('after its end', ender)
  say('when nobody is there', last)
  await bench.settle(bench.quietMs)
}

async function tellsTheEndedNothing(bench: TransportBench, lane: readonly Ear[]): Promise<void> {
  const [author, ended] = [at(lane, 0), at(lane, 1)]
  await bench.end(ended.transport.self)
  await bench.settle(bench.quietMs)
  const [heard, gone] = [ended.heard.length, ended.gone.length]
  author.transport.publish(done())
  author.transport.ban(ended.transport.self)
  await bench.settle(bench.quietMs)
  demandEqual('messages told to an ended member', ended.heard.length - heard, 0)
  demandEqual('losses told to an ended member', ended.gone.length - gone, 0)
}
