import { randomBytes } from 'node:crypto'
import {
  ACTIVATION_BYTES_MAX,
  type HeldActivation,
  type PeerId,
  type TensorHash,
} from '@layerswarm/swarm'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { multiaddr } from '@multiformats/multiaddr'
import type { Libp2p } from 'libp2p'
import { afterEach, describe, expect, test, vi } from 'vitest'
import type { SwarmNode } from '../node/libp2p-config.ts'
import { connectionsOf } from '../node/peer-connections.ts'
import {
  addressesOf,
  createTestBootstrap,
  createTestNode,
  eventually,
} from '../testing/test-nodes.ts'
import {
  createTensorStreams,
  TENSOR_PROTOCOL,
  type TensorStreams,
  type TensorStreamsOptions,
} from './tensor-streams.ts'

interface Holder {
  node: SwarmNode
  tensors: TensorStreams
}

const open: (Holder | { node: Libp2p })[] = []

async function start(
  options: Partial<TensorStreamsOptions> = {},
  relayed = false,
): Promise<Holder> {
  const { node } = await createTestNode({ relayed })
  const tensors = createTensorStreams(node, options)
  await tensors.start()
  open.push({ node, tensors })
  return { node, tensors }
}

async function pair(options: Partial<TensorStreamsOptions> = {}): Promise<[Holder, Holder]> {
  const [holder, puller] = [await start(options), await start(options)]
  await puller.node.dial(addressesOf(holder.node).map((address) => multiaddr(address)))
  return [holder, puller]
}

afterEach(async () => {
  await Promise.all(
    open.splice(0).map(async (one) => {
      if ('tensors' in one) await one.tensors.stop()
      await one.node.stop()
    }),
  )
})

function tensorOf(holder: Holder, hash: TensorHash | undefined, size: number): HeldActivation {
  if (hash === undefined) throw new Error('the offer was refused')
  const name = holder.node.peerId.toString() as PeerId
  return {
    place: 'held',
    dtype: 'float16',
    batch: 1,
    tokens: 1,
    width: 1,
    hash,
    size,
    holder: name,
  }
}

async function offered(holder: Holder, size: number): Promise<[HeldActivation, Uint8Array]> {
  const bytes = new Uint8Array(randomBytes(size))
  return [tensorOf(holder, await holder.tensors.offer(bytes), size), bytes]
}

const impatient = { protocol: { ...TENSOR_PROTOCOL, timeoutMs: 400 } }

describe('tensor streams', { timeout: 30_000 }, () => {
  test('carry the largest activation, and many at once over few streams', async () => {
    const [holder, puller] = await pair()
    const [large, bytes] = await offered(holder, ACTIVATION_BYTES_MAX)
    expect(Buffer.compare((await puller.tensors.pull(large, false)) ?? Buffer.of(), bytes)).toBe(0)
    const many = await Promise.all(Array.from({ length: 40 }, () => offered(holder, 50_000)))
    const pulled = await Promise.all(many.map(([tensor]) => puller.tensors.pull(tensor, false)))
    pulled.forEach((got, index) => {
      expect(Buffer.compare(got ?? Buffer.of(), many[index]?.[1] ?? Buffer.of(1))).toBe(0)
    })
    const streams = connectionsOf(puller.node, holder.node.peerId.toString())
      .flatMap((connection) => connection.streams)
      .filter(({ protocol }) => protocol === TENSOR_PROTOCOL.id)
    expect(streams.length).toBeLessThanOrEqual(TENSOR_PROTOCOL.streamsPerPeerMax)
    expect(puller.tensors.bytes.in).toBe(ACTIVATION_BYTES_MAX + 40 * 50_000)
    expect(holder.tensors.bytes.out).toBe(puller.tensors.bytes.in)
  })

  test('hold no more than their bound, and have room again after a withdrawal', async () => {
    const holder = await start({ heldBytesMax: 1_000 })
    const first = await holder.tensors.offer(new Uint8Array(600).fill(1))
    expect(await holder.tensors.offer(new Uint8Array(600).fill(2))).toBeUndefined()
    expect(holder.tensors.heldBytes).toBe(600)
    holder.tensors.withdraw(first as TensorHash)
    expect(holder.tensors.heldBytes).toBe(0)
    expect(await holder.tensors.offer(new Uint8Array(600).fill(2))).toBeDefined()
  })

  test('keep a tensor that was offered twice until it is withdrawn twice', async () => {
    const holder = await start()
    const bytes = new Uint8Array(randomBytes(100))
    const hash = await holder.tensors.offer(bytes)
    expect(await holder.tensors.offer(bytes)).toBe(hash)
    const tensor = tensorOf(holder, hash, 100)
    holder.tensors.withdraw(tensor.hash)
    expect(await holder.tensors.pull(tensor, false)).toEqual(bytes)
    holder.tensors.withdraw(tensor.hash)
    expect(await holder.tensors.pull(tensor, false)).toBeUndefined()
  })

  test('give up on a holder that does not answer when the time is up, and work again afterwards', async () => {
    const [holder, puller] = await pair(impatient)
    const [tensor, bytes] = await offered(holder, 1_000)
    await holder.node.unhandle(TENSOR_PROTOCOL.id)
    await holder.node.handle(TENSOR_PROTOCOL.id, () => undefined)
    const startMs = performance.now()
    expect(await puller.tensors.pull(tensor, false)).toBeUndefined()
    expect(performance.now() - startMs).toBeGreaterThanOrEqual(399)
    expect(performance.now() - startMs).toBeLessThan(3_000)
    await holder.tensors.stop()
    await holder.node.unhandle(TENSOR_PROTOCOL.id)
    await holder.tensors.start()
    await holder.tensors.offer(bytes)
    expect(await puller.tensors.pull(tensor, false)).toEqual(bytes)
  })

  test.each(['with it', 'after it'])(
    'end a stream on which more comes than the answer, %s',
    async (when) => {
      const [holder, puller] = await pair()
      const [tensor] = await offered(holder, 1_000)
      await holder.node.unhandle(TENSOR_PROTOCOL.id)
      const statuses: (() => string)[] = []
      await holder.node.handle(TENSOR_PROTOCOL.id, (stream) => {
        statuses.push(() => stream.status)
        const absent = [1, 0]
        const answer = () => {
          stream.send(Uint8Array.from(when === 'with it' ? [...absent, 9] : absent))
          if (when === 'after it') setTimeout(() => stream.send(Uint8Array.of(9)), 100)
        }
        stream.addEventListener('message', answer, { once: true })
      })
      expect(await puller.tensors.pull(tensor, false)).toBeUndefined()
      await eventually('the abort', () => statuses.length === 1 && statuses[0]?.() !== 'open')
    },
  )

  test('report a holder that is gone as a failed pull', async () => {
    const [holder, puller] = await pair()
    const [tensor] = await offered(holder, 1_000)
    await holder.node.stop()
    expect(await puller.tensors.pull(tensor, false)).toBeUndefined()
  })

  test('refuse an answer that is not what its hash says', async () => {
    const [holder, puller] = await pair()
    const [tensor, bytes] = await offered(holder, 1_000)
    bytes[0] = (bytes[0] ?? 0) + 1
    expect(await puller.tensors.pull(tensor, false)).toBeUndefined()
  })

  test('stop when the pull is cancelled', async () => {
    const [holder, puller] = await pair()
    const [tensor] = await offered(holder, 1_000)
    const controller = new AbortController()
    const pulling = puller.tensors.pull(tensor, false, controller.signal)
    controller.abort()
    expect(await pulling).toBeUndefined()
    expect(await puller.tensors.pull(tensor, false)).toBeDefined()
  })

  test('refuse a peer that asks too often', async () => {
    const protocol = { ...TENSOR_PROTOCOL, requestsPerSecond: 5 }
    const [holder, puller] = await pair({ protocol })
    const [tensor] = await offered(holder, 100)
    const results: boolean[] = []
    for (let i = 0; i < 12; i++)
      results.push((await puller.tensors.pull(tensor, false)) !== undefined)
    expect(results.slice(0, 5)).toEqual(Array(5).fill(true))
    expect(results).toContain(false)
  })

  test('refuse a peer that asks for more bytes than one may have in a second', async () => {
    const protocol = { ...TENSOR_PROTOCOL, bytesPerSecond: 1_000 }
    const [holder, puller] = await pair({ protocol })
    const [tensor] = await offered(holder, 400)
    const clock = vi.spyOn(performance, 'now').mockReturnValue(performance.now())
    const pulls = []
    for (let i = 0; i < 3; i++) pulls.push((await puller.tensors.pull(tensor, false)) !== undefined)
    clock.mockReturnValue(performance.now() + 500)
    pulls.push((await puller.tensors.pull(tensor, false)) !== undefined)
    clock.mockRestore()
    expect(pulls).toEqual([true, true, false, true])
  })

  test('never cross a limited connection', async () => {
    const bootstrap = await createTestBootstrap(await generateKeyPair('Ed25519'))
    open.push({ node: bootstrap })
    const [holder, puller] = [await start({}, true), await start({}, true)]
    for (const { node } of [holder, puller]) {
      await node.dial(addressesOf(bootstrap).map((address) => multiaddr(address)))
    }
    const circuit = await eventually('the reservation', () => addressesOf(holder.node)[0])
    const connection = await puller.node.dial(multiaddr(circuit))
    expect(connection.limits).toBeDefined()
    const [tensor] = await offered(holder, 1_000)
    expect(await puller.tensors.pull(tensor, false)).toBeUndefined()
    // Not even when the asker insists.
    const insist = () =>
      connection
        .newStream(TENSOR_PROTOCOL.id, { runOnLimitedConnection: true })
        .then(async (stream) => {
          stream.send(Uint8Array.of(32, ...Buffer.from(tensor.hash, 'hex')))
          for await (const answer of stream) return answer.byteLength
          return 0
        })
    expect(await insist().catch(() => 0)).toBe(0)
    expect(holder.tensors.bytes).toEqual({ in: 0, out: 0, overRelay: 0 })
  })
})
