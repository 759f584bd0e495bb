import type { Clock, Transport } from '@layerswarm/swarm'

/**
 * A transport whose words travel slowly, to measure a swarm of distant peers on one machine: what is
 * published, told or pushed goes out one way later, what is pulled comes after the way of the question
 * and that of the answer, unless it is here; a tensor that is awaited was late when it was pushed, and
 * is not delayed again (nor is the question for it, should the push never come). A round trip is two
 * ways longer. What arrives is not delayed again.
 * @param lagMs one way, milliseconds; asked anew each time.
 */
export function createLaggedTransport(
  transport: Transport,
  clock: Clock,
  lagMs: () => number,
): Transport {
  const later = (ways: number, act: () => void) => clock.wakeAt(clock.nowMs() + ways * lagMs(), act)
  return {
    // Not spread: a transport may be a class, whose methods are its prototype's.
    self: transport.self,
    sign: (statement, signed) => transport.sign(statement, signed),
    verify: (statements, verified) => transport.verify(statements, verified),
    listen: (events) => transport.listen(events),
    enter: (lane) => transport.enter(lane),
    countLanes: (counted) => transport.countLanes(counted),
    offer: (bytes, offered) => transport.offer(bytes, offered),
    // What is pushed before is not gone when it goes out.
    withdraw: (hash) => void later(1, () => transport.withdraw(hash)),
    ban: (peer) => transport.ban(peer),
    reaches: (peer) => transport.reaches(peer),
    neighbours: () => transport.neighbours(),
    accessSpeed: () => transport.accessSpeed(),
    rttMs(peer) {
      const ms = transport.rttMs(peer)
      return ms === undefined ? undefined : ms + 2 * lagMs()
    },
    publish: (message) => void later(1, () => transport.publish(message)),
    tell: (message, to) => void later(1, () => transport.tell(message, to)),
    push: (hash, to) => void later(1, () => transport.push(hash, to)),
    pull(tensor, isAwaited, pulled) {
      if (isAwaited) return transport.pull(tensor, true, pulled)
      let cancelPull = () => {}
      const cancelWait = later(tensor.holder === transport.self ? 0 : 2, () => {
        cancelPull = transport.pull(tensor, false, pulled)
      })
      return () => {
        cancelWait()
        cancelPull()
      }
    },
  }
}
