import { randomBytes } from 'node:crypto'
import { type Sha256, sha256 } from '@layerswarm/model'
import { multiaddr } from '@multiformats/multiaddr'
import { afterEach, describe, expect, test } from 'vitest'
import { LAYER_CHUNK_BYTES } from '../limits.ts'
import type { SwarmNode } from '../node/libp2p-config.ts'
import { addressesOf, createTestNode } from '../testing/test-nodes.ts'
import { createLayerStreams, type LayerStreams } from './layer-streams.ts'

interface Shelf {
  id: string
  node: SwarmNode
  layers: LayerStreams
  reads: number
  /** Most of them at once. */
  readsAtOnce: number
  /** Its files by hash. */
  held: Map<string, Uint8Array>
  asks: string[]
}

const open: Shelf[] = []

async function start(files: readonly Uint8Array[], asks: string[] = []): Promise<Shelf> {
  const { node } = await createTestNode()
  let reading = 0
  const byHash = new Map<string, Uint8Array>(files.map((file) => [sha256(file), file]))
  const layers = createLayerStreams({
    node,
    async held(hash) {
      shelf.reads++
      shelf.readsAtOnce = Math.max(shelf.readsAtOnce, ++reading)
      await new Promise((resolve) => setTimeout(resolve, 5))
      reading--
      const file = byHash.get(hash)
      if (file === undefined) return undefined
      return { bytes: file.length, read: async ({ start, end }) => file.slice(start, end) }
    },
    candidates: () => shelf.asks,
  })
  const id = node.peerId.toString()
  const shelf: Shelf = { id, node, layers, reads: 0, readsAtOnce: 0, held: byHash, asks }
  await layers.start()
  open.push(shelf)
  return shelf
}

afterEach(async () => {
  await Promise.all(
    open.splice(0).map(async ({ layers, node }) => {
      await layers.stop()
      await node.stop()
    }),
  )
})

async function connect(from: Shelf, to: Shelf): Promise<void> {
  await from.node.dial(addressesOf(to.node).map((address) => multiaddr(address)))
  from.asks.push(to.id)
}

const signal = () => new AbortController().signal

describe('layer streams', { timeout: 30_000 }, () => {
  test.each([
    ['one byte', 1],
    ['exactly one chunk', LAYER_CHUNK_BYTES],
    ['several chunks and a rest', 4 * LAYER_CHUNK_BYTES + 17],
  ])('bring a whole file of %s, checking it once', async (_, size) => {
    const file = new Uint8Array(randomBytes(size))
    const [giver, taker] = [await start([file]), await start([])]
    await connect(taker, giver)
    const got = await taker.layers.fetch(sha256(file), size, signal())
    expect(Buffer.compare(got ?? Buffer.of(), file)).toBe(0)
    expect(giver.reads).toBe(1)
    expect(giver.layers.bytes.out).toBe(size)
  })

  test('ask the next peer when the first does not have the file, or not all of it', async () => {
    const file = new Uint8Array(randomBytes(2 * LAYER_CHUNK_BYTES))
    const [empty, giver, taker] = [await start([]), await start([file]), await start([])]
    await connect(taker, empty)
    await connect(taker, giver)
    const got = await taker.layers.fetch(sha256(file), file.length, signal())
    expect(Buffer.compare(got ?? Buffer.of(), file)).toBe(0)
    expect(await taker.layers.fetch(sha256(file), file.length + 1, signal())).toBeUndefined()
    const unknown = sha256(Uint8Array.of(1)) as Sha256
    expect(await taker.layers.fetch(unknown, 1, signal())).toBeUndefined()
  })

  test('ask the next peer when the first gives another file, and that one last from then on', async () => {
    const file = new Uint8Array(randomBytes(1_000))
    const liar = await start([file], [])
    const [giver, taker] = [await start([file]), await start([])]
    const { held } = liar
    held.set(sha256(file), new Uint8Array(1_000))
    await connect(taker, liar)
    await connect(taker, giver)
    for (let time = 0; time < 3; time++)
      expect(await taker.layers.fetch(sha256(file), file.length, signal())).toEqual(file)
    expect(giver.layers.bytes.out).toBe(3_000)
    expect(liar.layers.bytes.out).toBe(1_000)
  })

  test('have each file read whole once and one at a time, in whatever turns it is asked for', async () => {
    const files = Array.from({ length: 5 }, (_, i) => new Uint8Array(100 + i).fill(i))
    const giver = await start(files)
    const taker = await start([])
    await connect(taker, giver)
    const ask = (file: Uint8Array) => taker.layers.fetch(sha256(file), file.length, signal())
    await Promise.all(files.map(ask))
    expect(giver.readsAtOnce).toBe(1)
    const missing = new Uint8Array(50).fill(9)
    for (const file of [...files, missing, ...files])
      expect(await ask(file)).toEqual(file === missing ? undefined : file)
    expect(giver.reads).toBe(files.length + 1)
    // What was not there may have come.
    giver.held.set(sha256(missing), missing)
    expect(await ask(missing)).toEqual(missing)
  })

  test('give up when told to', async () => {
    const file = new Uint8Array(randomBytes(8 * LAYER_CHUNK_BYTES))
    const [giver, taker] = [await start([file]), await start([])]
    await connect(taker, giver)
    const controller = new AbortController()
    const fetching = taker.layers.fetch(sha256(file), file.length, controller.signal)
    controller.abort()
    expect(await fetching).toBeUndefined()
  })
})
