import { randomBytes } from 'node:crypto'
import { ACTIVATION_BYTES_MAX, HASH_BYTES, type TensorHash } from '@layerswarm/swarm'
import { lpStream } from '@libp2p/utils'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { hashOf } from '#digest'
import { PUSH_HEADER_BYTES, TENSOR_STREAMS_PER_PEER_MAX } from '../limits.ts'
import { directConnection } from '../node/peer-connections.ts'
import {
  chain,
  closeLanes,
  heldTensor,
  joinLane,
  type LaneMember,
  meet,
  offer,
} from '../testing/test-lane.ts'
import { createTestNode, eventually } from '../testing/test-nodes.ts'
import { hexBytes } from './hex.ts'
import { PUSH_PROTOCOL } from './push-streams.ts'
import { createTensorStreams, TENSOR_PROTOCOL } from './tensor-streams.ts'

afterEach(closeLanes)

/** Pushes by hand whatever it is given. */
async function pushRaw({ node }: LaneMember, to: LaneMember, header: Uint8Array, body: Uint8Array) {
  const connection = directConnection(node, to.transport.self)
  if (connection === undefined) throw new Error('no connection')
  const stream = await connection.newStream(PUSH_PROTOCOL, { maxOutboundStreams: 20 })
  await lpStream(stream).writeV([header, body])
  return stream
}

/** Announces a tensor, and sends only so much of it. */
async function begin(member: LaneMember, to: LaneMember, size: number, came: number) {
  const connection = directConnection(member.node, to.transport.self)
  const stream = await connection?.newStream(PUSH_PROTOCOL, { maxOutboundStreams: 20 })
  const header = headerOf('ab'.repeat(HASH_BYTES), size)
  stream?.send(Uint8Array.from([...lengthOf(PUSH_HEADER_BYTES), ...header, ...lengthOf(size)]))
  stream?.send(new Uint8Array(came))
  return stream
}

/** The length before a frame, an unsigned varint. */
function lengthOf(length: number): number[] {
  return length < 128 ? [length] : [(length & 127) | 128, ...lengthOf(length >> 7)]
}

function headerOf(hash: string, size: number): Uint8Array {
  const header = new Uint8Array(PUSH_HEADER_BYTES)
  header.set(hexBytes(hash))
  new DataView(header.buffer).setUint32(HASH_BYTES, size, true)
  return header
}

describe('a pushed tensor', { timeout: 30_000 }, () => {
  test('of the largest size arrives whole, is counted, and measures the access at both ends', async () => {
    const [holder, receiver] = (await chain(2)) as [LaneMember, LaneMember]
    await eventually('the round trip', () => holder.transport.rttMs(receiver.transport.self))
    const bytes = new Uint8Array(ACTIVATION_BYTES_MAX)
    bytes.set(randomBytes(1024))
    const hash = await offer(holder, bytes)
    if (hash === undefined) throw new Error('the offer was refused')
    expect(holder.transport.accessSpeed()).toEqual({ upload: undefined, download: undefined })
    holder.transport.push(hash, receiver.transport.self)
    await eventually(
      'the arrival',
      () => receiver.tensors.pushedBytes === bytes.length && receiver.tensors.bytes.in > 0,
    )
    holder.transport.withdraw(hash)
    const tensor = heldTensor(hash, bytes.length, holder.transport.self)
    const pulled = await receiver.tensors.pull(tensor, true)
    expect(Buffer.compare(pulled ?? Buffer.of(), bytes)).toBe(0)
    expect(receiver.tensors.pushedBytes).toBe(0)
    expect(holder.tensors.bytes).toEqual({ in: 0, out: bytes.length, overRelay: 0 })
    expect(receiver.tensors.bytes).toEqual({ in: bytes.length, out: 0, overRelay: 0 })
    await eventually('the measurement', () => holder.transport.accessSpeed().upload)
    expect(receiver.transport.accessSpeed().download).toBeGreaterThan(0)
  })

  test('whose bytes are not those of its hash is dropped with its stream', async () => {
    const [liar, receiver] = (await chain(2)) as [LaneMember, LaneMember]
    const right = new Uint8Array(randomBytes(80))
    const hash = await hashOf(right)
    const other = right.with(7, (right[7] ?? 0) ^ 1)
    const stream = await pushRaw(liar, receiver, headerOf(hash, other.length), other)
    await eventually('the abort', () => stream.status !== 'open')
    const tensor = heldTensor(hash as string as TensorHash, 80, liar.transport.self)
    expect(await receiver.tensors.pull(tensor, false)).toBeUndefined()
    expect(receiver.tensors.pushedBytes).toBe(0)
  })

  test.each([
    ['too large', ACTIVATION_BYTES_MAX + 1],
    ['of another size than promised', 81],
    ['empty', 0],
  ])('that is %s is not taken', async (_, size) => {
    const [liar, receiver] = (await chain(2)) as [LaneMember, LaneMember]
    const bytes = new Uint8Array(randomBytes(80))
    const stream = await pushRaw(liar, receiver, headerOf(await hashOf(bytes), size), bytes)
    await eventually('the abort', () => stream.status !== 'open')
    expect(receiver.tensors.pushedBytes).toBe(0)
  })

  test('that is longer than promised is not even read: nothing is held that there was no room for', async () => {
    const [liar, receiver] = (await chain(2)) as [LaneMember, LaneMember]
    const bytes = new Uint8Array(randomBytes(80))
    const long = lengthOf(ACTIVATION_BYTES_MAX)
    for (const begun of [
      [...lengthOf(PUSH_HEADER_BYTES), ...headerOf(await hashOf(bytes), 80), ...long],
      long,
    ]) {
      const connection = directConnection(liar.node, receiver.transport.self)
      const stream = await connection?.newStream(PUSH_PROTOCOL, { maxOutboundStreams: 20 })
      stream?.send(Uint8Array.from(begun))
      // Long before the time-out of a tensor.
      await eventually('the abort', () => stream?.status !== 'open', 3_000)
    }
    expect(receiver.tensors.pushedBytes).toBe(0)
  })

  test('finds room while sixteen of the largest are announced that do not come', async () => {
    const [holder, receiver] = (await chain(2)) as [LaneMember, LaneMember]
    for (const member of [await joinLane(), await joinLane()]) {
      await meet(member, receiver)
      for (let i = 0; i < TENSOR_STREAMS_PER_PEER_MAX; i++)
        await begin(member, receiver, ACTIVATION_BYTES_MAX, 1_000)
    }
    const begunBytes = 2 * TENSOR_STREAMS_PER_PEER_MAX * 1_000
    await eventually('what has come of them', () => receiver.tensors.pushedBytes >= begunBytes)
    const bytes = new Uint8Array(randomBytes(302 * 1024))
    const hash = await offer(holder, bytes)
    if (hash === undefined) throw new Error('the offer was refused')
    holder.transport.push(hash, receiver.transport.self)
    await eventually('the arrival', () => receiver.tensors.bytes.in === bytes.length)
    const tensor = heldTensor(hash, bytes.length, holder.transport.self)
    expect(await receiver.tensors.pull(tensor, true)).toHaveLength(bytes.length)
    expect(receiver.tensors.pushedBytes).toBeLessThanOrEqual(2 * begunBytes)
  })

  test('of which a part has come gives its room back when its stream ends', async () => {
    const [sender, receiver] = (await chain(2)) as [LaneMember, LaneMember]
    for (const end of ['abort', 'close'] as const) {
      const stream = await begin(sender, receiver, 800, 300)
      await eventually('what has come', () => receiver.tensors.pushedBytes === 300)
      if (end === 'abort') stream?.abort(new Error('enough'))
      else await stream?.close()
      await eventually('the room', () => receiver.tensors.pushedBytes === 0)
    }
  })

  test('is one too many when its sender has sent more bytes than a peer may in a second, and no other one is', async () => {
    const protocol = { ...TENSOR_PROTOCOL, bytesPerSecond: 1_000 }
    const receiver = await createTestNode()
    const senders = [await createTestNode(), await createTestNode()]
    const tensors = createTensorStreams(receiver.node, { protocol })
    await tensors.start()
    const clock = vi.spyOn(performance, 'now').mockReturnValue(performance.now())
    try {
      const bytes = new Uint8Array(randomBytes(400))
      const frames = [headerOf(await hashOf(bytes), 400), bytes]
      const push = async ({ node }: (typeof senders)[number]) => {
        const connection = await node.dial(receiver.node.getMultiaddrs())
        const stream = await connection.newStream(PUSH_PROTOCOL)
        const line = lpStream(stream)
        await line.writeV(frames)
        return line.read().then(
          () => 'taken',
          () => 'refused',
        )
      }
      const [flooder, other] = senders as [(typeof senders)[number], (typeof senders)[number]]
      const outcomes = [
        await push(flooder),
        await push(flooder),
        await push(flooder),
        await push(other),
      ]
      expect(outcomes).toEqual(['taken', 'taken', 'refused', 'taken'])
      clock.mockReturnValue(performance.now() + 500)
      expect(await push(flooder)).toBe('taken')
    } finally {
      clock.mockRestore()
      await tensors.stop()
      await Promise.all([receiver, ...senders].map(({ node }) => node.stop()))
    }
  })

  test('is sent beside twenty others without a warning of Node', async () => {
    const warnings: string[] = []
    const warned = ({ message }: Error) => void warnings.push(message)
    process.on('warning', warned)
    try {
      const [holder, receiver] = (await chain(2)) as [LaneMember, LaneMember]
      const hashes = await Promise.all(
        Array.from({ length: 21 }, () => offer(holder, new Uint8Array(randomBytes(80)))),
      )
      for (const hash of hashes) {
        if (hash !== undefined) holder.transport.push(hash, receiver.transport.self)
      }
      await eventually('the arrivals', () => receiver.tensors.pushedBytes === 21 * 80)
      expect(warnings).toEqual([])
    } finally {
      process.off('warning', warned)
    }
  })

  test('never displaces what its receiver offers itself', async () => {
    const [holder, receiver] = (await chain(2)) as [LaneMember, LaneMember]
    const large = () => new Uint8Array(ACTIVATION_BYTES_MAX).fill(Math.random() * 256)
    for (let i = 0; i < 4; i++) {
      const hash = await offer(holder, large().with(0, i))
      if (hash !== undefined) holder.transport.push(hash, receiver.transport.self)
    }
    await eventually(
      'the arrivals',
      () => receiver.tensors.pushedBytes === 4 * ACTIVATION_BYTES_MAX,
    )
    for (let i = 0; i < 15; i++) {
      expect(await offer(receiver, large().with(0, 100 + i))).toBeDefined()
    }
    expect(receiver.tensors.heldBytes).toBe(15 * ACTIVATION_BYTES_MAX)
    expect(receiver.tensors.pushedBytes).toBe(ACTIVATION_BYTES_MAX)
  })
})
