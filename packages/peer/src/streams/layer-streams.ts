import type { Sha256 } from '@layerswarm/model'
import { hashOf } from '#digest'
import { freeMemory } from '../engine/free-memory.ts'
import { aloneMs, firstOf } from '../hedge.ts'
import {
  LAYER_BYTES_PER_SECOND,
  LAYER_CHUNK_BYTES,
  LAYER_CHUNKS_AHEAD,
  LAYER_FILE_OPEN_MS,
  LAYER_FILES_OPEN_MAX,
  LAYER_PEERS_ASKED_MAX,
  LAYER_PEERS_DOUBTED_MAX,
  LAYER_REQUEST_BYTES,
  LAYER_REQUESTS_PER_SECOND,
  LAYER_STREAMS_PER_PEER_MAX,
  LAYER_TIMEOUT_MS,
} from '../limits.ts'
import type { SwarmNode } from '../node/libp2p-config.ts'
import type { HeldFile } from '../store/layer-store.ts'
import { createExchange, type Exchange, type ExchangeProtocol } from './exchange.ts'
import { hexBytes, hexText } from './hex.ts'

/** Question: a layer file's SHA-256 and a chunk number, 36 bytes. Answer: that chunk of the file. */
export const LAYER_PROTOCOL: ExchangeProtocol = Object.freeze({
  id: '/layerswarm/layer/1',
  requestBytesMax: LAYER_REQUEST_BYTES,
  responseBytesMax: LAYER_CHUNK_BYTES,
  requestsPerSecond: LAYER_REQUESTS_PER_SECOND,
  bytesPerSecond: LAYER_BYTES_PER_SECOND,
  streamsPerPeerMax: LAYER_STREAMS_PER_PEER_MAX,
  timeoutMs: LAYER_TIMEOUT_MS,
})

/** Layer files between peers, chunk by chunk. */
export interface LayerStreams {
  start(): Promise<void>
  stop(): Promise<void>
  /** Fetches a file from the first of the peers that gives it, whole and right; undefined when none does. */
  fetch(sha256: Sha256, size: number, signal: AbortSignal): Promise<Uint8Array | undefined>
  readonly bytes: Exchange['bytes']
}

/** The files that are given to others, and whom to ask for files. */
export interface LayerStreamsNeeds {
  node: SwarmNode
  /** The file with this hash, if this peer has it. */
  held(sha256: Sha256): Promise<HeldFile | undefined>
  /** Peers to ask for a file, the most promising first. */
  candidates(sha256: Sha256): readonly string[]
}

/** Answers nobody before `start`. */
export function createLayerStreams({ node, held, candidates }: LayerStreamsNeeds): LayerStreams {
  const files = createOpenFiles(held)
  /** Who was asked last and gave no right file, the latest at the end. */
  const doubted = new Set<string>()
  const exchange = createExchange(node, LAYER_PROTOCOL, async (request) => {
    if (request.length !== LAYER_REQUEST_BYTES) return undefined
    const chunk = new DataView(request.buffer, request.byteOffset).getUint32(32, true)
    const file = await files.read(hexText(request.subarray(0, 32)) as Sha256)
    const start = chunk * LAYER_CHUNK_BYTES
    if (file === undefined || start >= file.bytes) return undefined
    return file.read({ start, end: start + LAYER_CHUNK_BYTES })
  })

  async function fetchFrom(peer: string, sha256: Sha256, size: number, signal: AbortSignal) {
    const file = new Uint8Array(size)
    const chunks = Math.ceil(size / LAYER_CHUNK_BYTES)
    let next = 0
    const fetchChunks = async () => {
      while (next < chunks) {
        const chunk = next++
        const bytes = await exchange.ask(peer, requestOf(sha256, chunk), signal)
        const start = chunk * LAYER_CHUNK_BYTES
        if (bytes?.length !== Math.min(LAYER_CHUNK_BYTES, size - start)) {
          throw new Error(`${peer} lacks chunk ${chunk} of ${sha256}`)
        }
        file.set(bytes, start)
        freeMemory(bytes)
      }
    }
    await Promise.all(Array.from({ length: Math.min(LAYER_CHUNKS_AHEAD, chunks) }, fetchChunks))
    if ((await hashOf(file)) !== sha256) throw new Error(`${peer} gives another file`)
    return file
  }

  function doubt(peer: string): void {
    doubted.delete(peer)
    doubted.add(peer)
    const [oldest] = doubted
    if (doubted.size > LAYER_PEERS_DOUBTED_MAX && oldest !== undefined) doubted.delete(oldest)
  }

  return {
    start: exchange.start,
    bytes: exchange.bytes,
    async stop() {
      files.close()
      await exchange.stop()
    },
    async fetch(sha256, size, signal) {
      // Who gave nothing lately is asked after the others.
      const peers = candidates(sha256).toSorted(
        (a, b) => Number(doubted.has(a)) - Number(doubted.has(b)),
      )
      const attempts = peers
        .slice(0, LAYER_PEERS_ASKED_MAX)
        .map((peer) => async (bounded: AbortSignal) => {
          doubt(peer)
          const file = await fetchFrom(peer, sha256, size, bounded)
          doubted.delete(peer)
          return file
        })
      // All are gone, slow, without the file, or give another.
      return firstOf(attempts, aloneMs(size), signal).catch(() => undefined)
    },
  }
}

function requestOf(sha256: Sha256, chunk: number): Uint8Array {
  const request = new Uint8Array(LAYER_REQUEST_BYTES)
  request.set(hexBytes(sha256))
  new DataView(request.buffer).setUint32(32, chunk, true)
  return request
}

interface OpenFiles {
  read(sha256: Sha256): Promise<HeldFile | undefined>
  close(): void
}

/**
 * Remembers the files that are asked for, so that not every chunk has a whole file read and checked. That is done for
 * one file at a time, whoever asks for how many: an asker checks what it is given anyway.
 */
function createOpenFiles(held: LayerStreamsNeeds['held']): OpenFiles {
  const open = new Map<
    Sha256,
    { file: Promise<HeldFile | undefined>; timer: ReturnType<typeof setTimeout> }
  >()

  let checked: Promise<unknown> = Promise.resolve()

  function check(sha256: Sha256): Promise<HeldFile | undefined> {
    const file = checked.then(() => held(sha256))
    checked = file.catch(() => undefined)
    // Names that nobody has must not take the places of files.
    const forget = () => drop(sha256)
    file.then((found) => found ?? forget(), forget)
    return file
  }

  function drop(sha256: Sha256): void {
    clearTimeout(open.get(sha256)?.timer)
    open.delete(sha256)
  }

  return {
    read(sha256) {
      const file = open.get(sha256)?.file ?? check(sha256)
      drop(sha256)
      const oldest = open.keys().next().value
      if (open.size >= LAYER_FILES_OPEN_MAX && oldest !== undefined) drop(oldest)
      open.set(sha256, { file, timer: setTimeout(() => drop(sha256), LAYER_FILE_OPEN_MS) })
      return file
    },
    close() {
      for (const sha256 of [...open.keys()]) drop(sha256)
    },
  }
}
