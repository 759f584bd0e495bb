import { randomBytes } from 'node:crypto'
import type { HeldActivation, PeerId } from '@layerswarm/swarm'
import { multiaddr } from '@multiformats/multiaddr'
import { afterEach, describe, expect, test } from 'vitest'
import { hashOf } from '#digest'
import { addressesOf, createTestNode } from '../testing/test-nodes.ts'
import { createExchange } from './exchange.ts'
import { createTensorStreams, TENSOR_PROTOCOL } from './tensor-streams.ts'

const SIZE = 5 * 8 * 2
const closers: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

/** A puller, and a holder that answers every question for a tensor with `answer`. */
async function pullFrom(answer: Uint8Array, hash: string): Promise<Uint8Array | undefined> {
  const [{ node }, { node: holder }] = await Promise.all([createTestNode(), createTestNode()])
  closers.push(
    () => Promise.resolve(node.stop()),
    () => Promise.resolve(holder.stop()),
  )
  const streams = createTensorStreams(node)
  const exchange = createExchange(holder, TENSOR_PROTOCOL, async () => answer)
  await streams.start()
  await exchange.start()
  closers.push(streams.stop, exchange.stop)
  await node.dial(addressesOf(holder).map((address) => multiaddr(address)))
  const tensor: HeldActivation = {
    ...{ place: 'held', dtype: 'float16', batch: 1, tokens: 5, width: 8, size: SIZE },
    hash: hash as HeldActivation['hash'],
    holder: holder.peerId.toString() as PeerId,
  }
  return streams.pull(tensor, false)
}

describe('a pulled tensor', () => {
  const right = new Uint8Array(randomBytes(SIZE))

  test('is taken when its bytes have the size and the hash that were promised', async () => {
    expect(await pullFrom(right, await hashOf(right))).toEqual(right)
  })

  test('is refused when its holder gives other bytes of the same size', async () => {
    const other = right.map((byte, at) => (at === 7 ? byte ^ 1 : byte))
    expect(await pullFrom(other, await hashOf(right))).toBeUndefined()
  })

  test('is refused when it is shorter than promised', async () => {
    const short = right.subarray(1)
    expect(await pullFrom(short, await hashOf(short))).toBeUndefined()
  })
})
