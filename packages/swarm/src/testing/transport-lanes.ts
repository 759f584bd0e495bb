import type { Message } from '../wire/messages.ts'
import { demand, demandEqual, until } from './acceptance.ts'
import { PATIENCE_MS } from './limits.ts'
import {
  at,
  done,
  type Ear,
  presenceOf,
  type TransportBench,
  timesHeard,
} from './transport-bench.ts'

/** Two members go to another lane, one stays. */
async function parted(bench: TransportBench, lane: readonly Ear[]): Promise<[Ear, Ear, Ear]> {
  const [stayer, mover, other] = [at(lane, 0), at(lane, 1), at(lane, 2)]
  const { self } = mover.transport
  mover.transport.enter(1)
  other.transport.enter(1)
  const areTogether = () =>
    mover.transport.reaches(other.transport.self) && other.transport.reaches(self)
  await until(bench, 'the meeting in the new lane', areTogether, PATIENCE_MS)
  await until(bench, 'the parting', () => !stayer.transport.reaches(self), PATIENCE_MS)
  return [stayer, mover, other]
}

/** What is published is heard in its lane only, and neighbours are of the lane. @throws Error when it is not so. */
export async function keepsLanesApart(bench: TransportBench, lane: readonly Ear[]): Promise<void> {
  const [stayer, mover, other] = await parted(bench, lane)
  demandEqual('neighbours of who stayed', stayer.transport.neighbours().join(), '')
  const { self } = other.transport
  demandEqual('neighbours of who moved', mover.transport.neighbours().join(), self)
  const here: Message = done()
  const there: Message = done()
  const presence: Message = { ...presenceOf(mover.transport, bench, 1), lane: 1 }
  stayer.transport.publish(here)
  mover.transport.publish(presence)
  mover.transport.publish(there)
  for (const message of [presence, there]) {
    const isHeard = () => timesHeard(other, mover.transport, message) > 0
    await until(bench, `a ${message.kind} in the new lane`, isHeard, PATIENCE_MS)
  }
  await bench.settle(bench.quietMs)
  demandEqual('messages heard in the lane that was left', stayer.heard.length, 0)
  demandEqual('messages heard of the lane before', mover.heard.length, 0)
  demandEqual('messages heard in the new lane', other.heard.length, 2)
  demandEqual('losses told', [stayer, mover, other].flatMap(({ gone }) => gone).length, 0)
}

/** Members of two lanes are told things and hand over tensors, as before one of them moved. @throws Error when it is not so. */
export async function goesOnAcrossLanes(
  bench: TransportBench,
  lane: readonly Ear[],
): Promise<void> {
  const [stayer, mover] = await parted(bench, lane)
  const [asked, answered] = [done(), done()]
  stayer.transport.tell(asked, mover.transport.self)
  mover.transport.tell(answered, stayer.transport.self)
  const hear = () =>
    timesHeard(mover, stayer.transport, asked) + timesHeard(stayer, mover.transport, answered) === 2
  await until(bench, 'what is told across lanes', hear, PATIENCE_MS)
}

/** It is where it says that it is, however often that is said. @throws Error when it is not so. */
export async function entersAgain(bench: TransportBench, lane: readonly Ear[]): Promise<void> {
  const [one, other] = [at(lane, 0), at(lane, 1)]
  for (const { transport } of [one, other]) transport.enter(3)
  const { self } = other.transport
  await until(bench, 'the meeting', () => one.transport.reaches(self), PATIENCE_MS)
  one.transport.enter(3)
  demand(one.transport.reaches(self), 'a neighbour is lost by entering the lane that it is in')
  for (const { transport } of [one, other]) transport.enter(0)
  await until(bench, 'the return', () => one.transport.reaches(self), PATIENCE_MS)
  const message: Message = done()
  other.transport.publish(message)
  const isHeard = () => timesHeard(one, other.transport, message) > 0
  await until(bench, 'the delivery after the return', isHeard, PATIENCE_MS)
}

/** Says once how full the lanes are, or that it cannot say. @throws Error when it is not so. */
export async function countsOnce(bench: TransportBench, lane: readonly Ear[]): Promise<void> {
  let times = 0
  at(lane, 0).transport.countLanes((lanes) => {
    times++
    for (const { lane: number, providers, askers, lacking } of lanes ?? [])
      demand(Math.min(number, providers, askers, lacking) >= 0, 'a count below 0')
  })
  await until(bench, 'the count', () => times > 0, PATIENCE_MS)
  await bench.settle(bench.quietMs)
  demandEqual('times that it is told', times, 1)
}
