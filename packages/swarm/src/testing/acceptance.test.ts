import { describe, expect, test } from 'vitest'
import type { Clock, Compute, Random, Transport } from '../ports.ts'
import type { PeerId } from '../wire/messages.ts'
import type { AcceptanceCase } from './acceptance.ts'
import { type ClockBench, clockAcceptance } from './clock-acceptance.ts'
import { type ComputeBench, computeAcceptance } from './compute-acceptance.ts'
import { randomAcceptance } from './random-acceptance.ts'
import { SeededRandom } from './seeded-random.ts'
import { SimulatedNetwork } from './simulated-network.ts'
import { SymbolicCompute } from './symbolic-compute.ts'
import { transportAcceptance } from './transport-acceptance.ts'
import type { TransportBench } from './transport-bench.ts'
import { VirtualClock } from './virtual-clock.ts'

const SHAPE = Object.freeze({ layers: 4, tokens: 5, width: 8 })

function virtualTime() {
  const clock = new VirtualClock()
  return {
    clock,
    settle: async (ms: number) => void clock.run(clock.nowMs() + ms),
    close: async () => {},
  }
}

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

async function computeBench(change = (compute: Compute) => compute): Promise<ComputeBench> {
  const { clock, ...time } = virtualTime()
  return {
    ...time,
    compute: change(new SymbolicCompute(clock, 2)),
    layers: SHAPE.layers,
    input: (nonce) => ({
      dtype: 'float16',
      shape: [1, SHAPE.tokens, SHAPE.width],
      bytes: new Uint8Array(2 * SHAPE.tokens * SHAPE.width).fill(nonce, 60),
    }),
  }
}

async function clockBench(change = (clock: Clock) => clock): Promise<ClockBench> {
  const { clock, ...time } = virtualTime()
  return { ...time, clock: change(clock) }
}

function runAll(cases: readonly AcceptanceCase[]): void {
  for (const { name, run } of cases) test(name, run)
}

/** The names of the cases that fail. */
async function failing(cases: readonly AcceptanceCase[]): Promise<string[]> {
  const failed: string[] = []
  for (const { name, run } of cases) await run().catch(() => failed.push(name))
  return failed
}

describe('the simulated network is a transport: it', () => {
  runAll(transportAcceptance(transportBench))
})

describe('the virtual clock is a clock: it', () => {
  runAll(clockAcceptance(clockBench))
})

describe('the symbolic compute is a compute: it', () => {
  runAll(computeAcceptance(computeBench))
})

describe('seeded randomness is a source of randomness: it', () => {
  runAll(randomAcceptance(() => new SeededRandom(3)))
})

/** A transport with some of its methods replaced; its own are bound, as it is a class. */
function changed(transport: Transport, change: Partial<Transport>): Transport {
  return {
    self: transport.self,
    listen: (events) => transport.listen(events),
    enter: (lane) => transport.enter(lane),
    countLanes: (counted) => transport.countLanes(counted),
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

function changedCompute(compute: Compute, change: Partial<Compute>): Compute {
  return {
    backend: compute.backend,
    host: (layer, hosted) => compute.host(layer, hosted),
    drop: (layer) => compute.drop(layer),
    run: (layer, hop, input, finished) => compute.run(layer, hop, input, finished),
    runHead: (input, finished) => compute.runHead(input, finished),
    ...change,
  }
}

describe('the suite of computes catches one that', () => {
  const breaks: [string, (compute: Compute) => Partial<Compute>, string][] = [
    [
      'never answers',
      () => ({ run: () => {} }),
      'answers a run once, in the shape and the dtype of its input',
    ],
    [
      'answers twice',
      (compute) => ({
        run: (layer, hop, input, finished) =>
          compute.run(layer, hop, input, (outcome) => {
            finished(outcome)
            finished(outcome)
          }),
      }),
      'answers a run once, in the shape and the dtype of its input',
    ],
    [
      'answers in another dtype',
      (compute) => ({
        run: (layer, hop, input, finished) =>
          compute.run(layer, hop, { ...input, dtype: 'float32' }, finished),
      }),
      'answers a run once, in the shape and the dtype of its input',
    ],
    [
      'runs what it does not host',
      (compute) => ({
        run: (_layer, hop, input, finished) => compute.run(0, hop, input, finished),
      }),
      'refuses to run a layer that it does not host, and says why',
    ],
    [
      'runs what was dropped',
      () => ({ drop: () => {} }),
      'refuses to run a layer that was dropped, and runs the others',
    ],
    [
      'computes in its input',
      (compute) => ({
        run(layer, hop, input, finished) {
          input.bytes.fill(1)
          compute.run(layer, hop, input, finished)
        },
      }),
      'leaves the input of a run and of the head as it was',
    ],
    [
      'answers inside a call',
      () => ({ runHead: (_, finished) => finished({ logits: [[0]] }) }),
      'answers after a call and never inside it',
    ],
  ]

  test.each(breaks)('%s', async (_, change, name) => {
    const bench = () => computeBench((compute) => changedCompute(compute, change(compute)))
    expect(await failing(computeAcceptance(bench))).toContain(name)
  })
})

describe('the suite of clocks catches one that', () => {
  const breaks: [string, (clock: Clock) => Partial<Clock>, string][] = [
    [
      'runs back',
      (clock) => {
        let looks = 0
        return { nowMs: () => clock.nowMs() - (++looks % 7) }
      },
      'goes on and never back',
    ],
    ['stands still', () => ({ nowMs: () => 5 }), 'goes on and never back'],
    [
      'fires early',
      (clock) => ({ wakeAt: (atMs, fire) => clock.wakeAt(atMs - 1, fire) }),
      'wakes once, and not before its time',
    ],
    [
      'fires twice',
      (clock) => ({
        wakeAt(atMs, fire) {
          clock.wakeAt(atMs + 1, fire)
          return clock.wakeAt(atMs, fire)
        },
      }),
      'wakes once, and not before its time',
    ],
    [
      'fires what was cancelled',
      (clock) => ({
        wakeAt(atMs, fire) {
          clock.wakeAt(atMs, fire)
          return () => {}
        },
      }),
      'does not wake for what was cancelled',
    ],
    [
      'fires inside the call',
      (clock) => ({
        wakeAt(atMs, fire) {
          if (atMs > clock.nowMs()) return clock.wakeAt(atMs, fire)
          fire()
          return () => {}
        },
      }),
      'wakes soon for a time that is past, and not inside the call',
    ],
    [
      'has one timer only',
      (clock) => {
        let cancel = () => {}
        return {
          wakeAt(atMs, fire) {
            cancel()
            cancel = clock.wakeAt(atMs, fire)
            return cancel
          },
        }
      },
      'wakes each of many, once and not before its time',
    ],
  ]

  test.each(breaks)('%s', async (_, change, name) => {
    const bench = () =>
      clockBench((clock) => ({
        nowMs: () => clock.nowMs(),
        wakeAt: (atMs, fire) => clock.wakeAt(atMs, fire),
        ...change(clock),
      }))
    expect(await failing(clockAcceptance(bench))).toContain(name)
  })
})

test('the suite of randomness catches one that repeats itself, counts wrong, or gives the same array', async () => {
  const seeded = new SeededRandom(1)
  const always: Random = { bytes: (count) => new Uint8Array(count).fill(7) }
  const short: Random = { bytes: (count) => new SeededRandom(1).bytes(Math.max(0, count - 1)) }
  const one = new Uint8Array(10_000)
  const shared: Random = {
    bytes(count) {
      one.set(seeded.bytes(count))
      return one.subarray(0, count)
    },
  }
  expect(await failing(randomAcceptance(() => always))).toContain('gives other bytes each time')
  expect(await failing(randomAcceptance(() => shared))).toContain(
    'gives bytes that stay as they were when more are drawn',
  )
  expect(await failing(randomAcceptance(() => short))).toContain(
    'gives as many bytes as it is asked for',
  )
})
