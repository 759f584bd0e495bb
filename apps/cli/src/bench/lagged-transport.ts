import type { Clock, TensorHash, Transport } from '@layerswarm/swarm'

/**
 * A transport whose words travel slowly, to measure a swarm of distant peers on one machine: what
 * is published or sent ahead goes out one way later, what is pulled comes after the way of the
 * question and that of the answer, unless it is here. What arrives is not delayed again.
 * @param lagMs one way, milliseconds; asked anew each time.
 */
export function createLaggedTransport(
  transport: Transport,
  clock: Clock,
  lagMs: () => number,
): Transport {
  const { push } = transport
  const later = (ways: number, act: () => void) => clock.wakeAt(clock.nowMs() + ways * lagMs(), act)
  /** Tensors that were sent here and have not been pulled. */
  const handed = new Set<TensorHash>()
  const waiting = new Map<TensorHash, () => void>()
  return {
    ...transport,
    listen(events) {
      return transport.listen({
        ...events,
        tensorHanded(hash) {
          handed.add(hash)
          waiting.get(hash)?.()
          events.tensorHanded?.(hash)
        },
      })
    },
    publish: (message) => void later(1, () => transport.publish(message)),
    ...(push && { push: (hash, to) => void later(1, () => push(hash, to)) }),
    pull(tensor, pulled) {
      const { hash, holder } = tensor
      const isHere = holder === transport.self || handed.has(hash)
      let cancelPull = () => {}
      const pull = () => {
        cancelWait()
        waiting.delete(hash)
        handed.delete(hash)
        cancelPull = transport.pull(tensor, pulled)
      }
      const cancelWait = later(isHere ? 0 : 2, pull)
      waiting.set(hash, pull)
      return () => {
        cancelWait()
        waiting.delete(hash)
        cancelPull()
      }
    },
  }
}
