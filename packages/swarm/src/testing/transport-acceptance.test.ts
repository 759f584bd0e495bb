import { describe, expect, test } from 'vitest'
import type { Transport } from '../ports.ts'
import type { PeerId } from '../wire/messages.ts'
import { failing, virtualTime } from './acceptance-breaks.ts'
import { SeededRandom } from './seeded-random.ts'
import { SimulatedNetwork } from './simulated-network.ts'
import { transportAcceptance } from './transport-acceptance.ts'
import type { TransportBench } from './transport-bench.ts'

const SHAPE = Object.freeze({ layers: 4, tokens: 5, width: 8 })

/** @param change what is put before each transport. */
async function transportBench(
  change = (transport: Transport) => transport,
): Promise<TransportBench> {
  const { clock, ...time } = virtualTime()
  const network = new SimulatedNetwork(clock, new SeededRandom(1))
  return {
    ...time,
    release: 'ab'.repeat(32),
    shape: SHAPE,
    quietMs: 50,
    makeTransports: async (count) =>
      Array.from({ length: count }, (_, i) => change(network.join(`peer-${i}` as PeerId))),
    end: async (peer) => network.kill(peer),
  }
}

describe('the simulated network is a transport: it', () => {
  for (const { name, run } of transportAcceptance(transportBench)) test(name, run)
})

/** A transport with some of its methods replaced; its own are bound, as it is a class. */
function changed(transport: Transport, change: Partial<Transport>): Transport {
  return {
    self: transport.self,
    listen: (events) => transport.listen(events),
    publish: (message) => transport.publish(message),
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

describe('the suite of transports catches one that', () => {
  const breaks: [string, (transport: Transport) => Partial<Transport>, string][] = [
    [
      'delivers twice',
      (transport) => ({
        listen: ({ messageArrived, peerDisconnected }) =>
          transport.listen({
            peerDisconnected,
            messageArrived(from, message) {
              messageArrived(from, message)
              messageArrived(from, message)
            },
          }),
      }),
      'delivers every message to all others once, as its author said it',
    ],
    [
      'delivers to the author',
      (transport) => {
        let hear: (() => void) | undefined
        return {
          listen(events) {
            hear = () =>
              events.messageArrived(transport.self, {
                kind: 'done',
                isPublic: false,
                request: '' as never,
              })
            return transport.listen(events)
          },
          publish(message) {
            transport.publish(message)
            hear?.()
          },
        }
      },
      'delivers every message to all others once, as its author said it',
    ],
    [
      'loses every tenth message',
      (transport) => {
        let said = 0
        return {
          publish: (message) => {
            if (++said % 10 > 0) transport.publish(message)
          },
        }
      },
      'delivers many messages at once, each once',
    ],
    [
      'goes on telling who stopped listening',
      (transport) => ({
        listen(events) {
          transport.listen(events)
          return () => {}
        },
      }),
      'tells a listener nothing after it stopped, and the others all',
    ],
    [
      'hands over other bytes',
      (transport) => ({
        pull: (tensor, isAwaited, pulled) =>
          transport.pull(tensor, isAwaited, (bytes) => pulled(bytes?.map((byte) => byte ^ 1))),
      }),
      'hands over an offered tensor, to many and to its own holder',
    ],
    [
      'keeps what is withdrawn',
      () => ({ withdraw: () => {} }),
      'does not hand over a tensor that was withdrawn',
    ],
    [
      'answers a pull that was cancelled',
      (transport) => ({
        pull(tensor, isAwaited, pulled) {
          transport.pull(tensor, isAwaited, pulled)
          return () => {}
        },
      }),
      'says nothing about a pull that was cancelled',
    ],
    [
      'tells everything twice',
      (transport) => ({
        tell(message, to) {
          transport.tell(message, to)
          transport.tell(message, to)
        },
      }),
      'tells a message to one peer, once, and to nobody else',
    ],
    [
      'tells everybody what is for one',
      (transport) => ({ tell: (message) => transport.publish(message) }),
      'tells a message to one peer, once, and to nobody else',
    ],
    [
      'loses every tenth message that it tells',
      (transport) => {
        let said = 0
        return {
          tell: (message, to) => {
            if (++said % 10 > 0) transport.tell(message, to)
          },
        }
      },
      'tells many messages at once, each once',
    ],
    [
      'throws when it tells a stranger',
      (transport) => ({
        tell(message, to) {
          if (!transport.reaches(to)) throw new Error('nobody is there')
          transport.tell(message, to)
        },
      }),
      'never throws when it tells a stranger or after its end, and nobody hears it',
    ],
    [
      'listens to a banned peer that tells',
      () => ({ ban: () => {} }),
      'does not hear what a banned peer tells',
    ],
    [
      'is its own neighbour',
      (transport) => ({ neighbours: () => [transport.self, ...transport.neighbours()] }),
      'knows whom it reaches, until they are gone',
    ],
    [
      'reaches who is gone',
      (transport) => {
        const met = new Set<PeerId>()
        return {
          reaches(peer) {
            if (transport.reaches(peer)) met.add(peer)
            return met.has(peer)
          },
        }
      },
      'knows whom it reaches, until they are gone',
    ],
    [
      'measures nothing',
      () => ({ rttMs: () => undefined }),
      'knows soon how far its neighbours are',
    ],
    [
      'believes all to be here',
      () => ({ rttMs: () => 0 }),
      'knows soon how far its neighbours are',
    ],
    [
      'does not push',
      () => ({ push: () => {} }),
      'gives a pushed tensor without asking its holder, awaited or not',
    ],
    [
      'pushes other bytes',
      (transport) => ({
        pull: (tensor, isAwaited, pulled) =>
          transport.pull(tensor, isAwaited, (bytes) =>
            pulled(isAwaited ? bytes?.with(0, (bytes[0] ?? 0) ^ 1) : bytes),
          ),
      }),
      'waits for a tensor that is to be pushed',
    ],
    [
      'asks its holder for what was pushed',
      (transport) => ({
        push: () => {},
        pull: (tensor, _, pulled) => transport.pull(tensor, false, pulled),
      }),
      'gives a pushed tensor without asking its holder, awaited or not',
    ],
    [
      'waits for a push for ever',
      (transport) => ({
        pull: (tensor, isAwaited, pulled) =>
          isAwaited ? () => {} : transport.pull(tensor, isAwaited, pulled),
      }),
      'asks for an awaited tensor that is not pushed',
    ],
    [
      'answers an awaited pull that was cancelled',
      (transport) => ({
        pull(tensor, isAwaited, pulled) {
          const cancel = transport.pull(tensor, isAwaited, pulled)
          return isAwaited ? () => {} : cancel
        },
      }),
      'says nothing about an awaited pull that was cancelled',
    ],
    [
      'does not ban',
      () => ({ ban: () => {} }),
      'does not hear whom it bans, through others neither',
    ],
    [
      'says twice who is gone',
      (transport) => ({
        listen: ({ messageArrived, peerDisconnected }) =>
          transport.listen({
            messageArrived,
            peerDisconnected(peer) {
              peerDisconnected(peer)
              peerDisconnected(peer)
            },
          }),
      }),
      'says once that a peer is gone',
    ],
    [
      'throws when it publishes',
      () => ({
        publish() {
          throw new Error('nobody is there')
        },
      }),
      'never throws when it publishes, after its end neither',
    ],
  ]

  test.each(breaks)('%s', async (_, change, name) => {
    const bench = () => transportBench((transport) => changed(transport, change(transport)))
    expect(await failing(transportAcceptance(bench))).toContain(name)
  })
})
