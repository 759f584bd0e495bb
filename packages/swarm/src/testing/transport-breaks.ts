import { LAYERS_MAX } from '../limits.ts'
import type { Transport } from '../ports.ts'
import type { PeerId } from '../wire/messages.ts'
import { failing, virtualTime } from './acceptance-breaks.ts'
import { SeededRandom } from './seeded-random.ts'
import { SimulatedNetwork } from './simulated-network.ts'
import { transportAcceptance } from './transport-acceptance.ts'
import type { TransportBench } from './transport-bench.ts'

/** A way to be no transport: what it does, how a good one is changed to do it, and the case that notices. */
export type TransportBreak = readonly [
  does: string,
  change: (transport: Transport) => Partial<Transport>,
  noticed: string,
]

const SHAPE = Object.freeze({ layers: LAYERS_MAX, tokens: 5, width: 8 })

/** A lane of the simulated network. @param change what is put before each transport. */
export async function transportBench(
  change = (transport: Transport) => transport,
): Promise<TransportBench> {
  const { clock, ...time } = virtualTime()
  const network = new SimulatedNetwork(clock, new SeededRandom(1))
  return {
    ...time,
    release: 'ab'.repeat(32),
    shape: SHAPE,
    quietMs: 50,
    roundTripMs: [10, 15],
    makeTransports: async (count) =>
      Array.from({ length: count }, (_, i) => change(network.join(`peer-${i}` as PeerId))),
    end: async (peer) => network.kill(peer),
  }
}

/** A transport with some of its methods replaced; its own are bound, as it is a class. */
function changed(transport: Transport, change: Partial<Transport>): Transport {
  return {
    self: transport.self,
    sign: (statement, signed) => transport.sign(statement, signed),
    verify: (statements, verified) => transport.verify(statements, verified),
    listen: (events) => transport.listen(events),
    publish: (message) => transport.publish(message),
    enter: (lane) => transport.enter(lane),
    countLanes: (counted) => transport.countLanes(counted),
    offer: (bytes, offered) => transport.offer(bytes, offered),
    withdraw: (hash) => transport.withdraw(hash),
    tell: (message, to) => transport.tell(message, to),
    push: (hash, to) => transport.push(hash, to),
    pull: (tensor, isAwaited, pulled) => transport.pull(tensor, isAwaited, pulled),
    reaches: (peer) => transport.reaches(peer),
    neighbours: () => transport.neighbours(),
    rttMs: (peer) => transport.rttMs(peer),
    accessSpeed: () => transport.accessSpeed(),
    ban: (peer) => transport.ban(peer),
    ...change,
  }
}

/** The cases that fail when every transport of a lane is changed so. */
export function failingWith(change: TransportBreak[1]): Promise<string[]> {
  const bench = () => transportBench((transport) => changed(transport, change(transport)))
  return failing(transportAcceptance(bench))
}
