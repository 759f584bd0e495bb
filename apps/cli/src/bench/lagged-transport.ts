import type { Clock, Transport } from '@layerswarm/swarm'

/**
 * A transport whose words travel slowly, to measure a swarm of distant peers on one machine: what
 * is published goes out one way later, what is pulled comes after the way of the question and that
 * of the answer, unless it is here. What arrives is not delayed again.
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
    listen: (events) => transport.listen(events),
    offer: (bytes, offered) => transport.offer(bytes, offered),
    withdraw: (hash) => transport.withdraw(hash),
    ban: (peer) => transport.ban(peer),
    publish: (message) => void later(1, () => transport.publish(message)),
    pull(tensor, pulled) {
      let cancelPull = () => {}
      const cancelWait = later(tensor.holder === transport.self ? 0 : 2, () => {
        cancelPull = transport.pull(tensor, pulled)
      })
      return () => {
        cancelWait()
        cancelPull()
      }
    },
  }
}
