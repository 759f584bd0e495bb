/**
 * What one visit is made of, each part alone: the functions with which a peer makes a visit, on inputs
 * of the same size, timed from outside. For benchmarks; no peer loads it.
 */
import { HASH_BYTES, INLINE_BYTES_MAX } from '@layerswarm/swarm'
import { World } from '@layerswarm/swarm/testing'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Logger } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { AbstractMessageStream, lpStream } from '@libp2p/utils'
import { hashOf } from '#digest'
import { openIdentity } from '#identity'
// What libp2p needs of its platform comes with it.
import '#net'
import { PUSH_HEADER_BYTES } from '../limits.ts'
import { FRAME_READING } from '../streams/lines.ts'
import { FLOAT16_BYTES, MEETING_MS, STEP_BYTES } from './limits.ts'

/** How large the parts are. */
export interface VisitSize {
  /** Of the activation that is handed over. */
  readonly bytes: number
  /** Layers of the request, each run by another peer than the one before. */
  readonly layers: number
  /** Times that each part is done; the middle one counts. */
  readonly times: number
}

/** Milliseconds of each part, for one visit. */
export interface VisitParts {
  /** The machines of author and host, and every message written, read and judged. */
  readonly decidingMs: number
  /** SHA-256 of the activation, by its author and by its receiver; 0 for one that rides in the message. */
  readonly hashingMs: number
  /** The frames of a message and of an activation, written and read without a network. */
  readonly framingMs: number
  /** One signature and its check: what every gossiped message takes, and what a visit has none of. */
  readonly signatureMs: number
}

/** Times the parts of a visit in this process or page, one after the other. */
export async function timeVisitParts(size: VisitSize): Promise<VisitParts> {
  return {
    decidingMs: await decidingMs(size, [await anyName(), await anyName()]),
    hashingMs: await hashingMs(size),
    framingMs: await framingMs(size),
    signatureMs: await signatureMs(size),
  }
}

/** Two members hand a request to and fro in virtual time: what passes in real time is the machines' own. */
async function decidingMs(
  { bytes, layers, times }: VisitSize,
  names: readonly [string, string],
): Promise<number> {
  // Of a held activation the machines see the hash alone.
  const tokens = Math.min(bytes, 2 * INLINE_BYTES_MAX) / FLOAT16_BYTES
  const world = new World({ shape: { layers, tokens, width: 1 }, layerMs: 1 })
  let answered = 0
  const all = Array.from({ length: layers }, (_, layer) => layer)
  world.join(names[0], { serve: all.filter((layer) => layer % 2 === 0) })
  const asker = world.join(names[1], { serve: all.filter((layer) => layer % 2 === 1) })
  asker.member.on(({ type }) => {
    if (type === 'answered') answered++
  })
  world.clock.run(MEETING_MS)
  const ms = await middleMs(times, () => {
    const before = answered
    asker.member.ask(world.stem(), { plan: all })
    world.clock.run(Number.POSITIVE_INFINITY, () => answered > before)
  })
  return ms / layers
}

async function anyName(): Promise<string> {
  return peerIdFromPrivateKey(await generateKeyPair('Ed25519')).toString()
}

async function hashingMs({ bytes, times }: VisitSize): Promise<number> {
  if (bytes <= INLINE_BYTES_MAX) return 0
  const activation = new Uint8Array(bytes).fill(1)
  return middleMs(times, async () => {
    for (let end = 0; end < 2; end++) await hashOf(activation)
  })
}

async function framingMs({ bytes, times }: VisitSize): Promise<number> {
  const frames = lpStream(new Loop(), { ...FRAME_READING, maxBufferSize: 2 * (bytes + STEP_BYTES) })
  const isInline = bytes <= INLINE_BYTES_MAX
  const step = new Uint8Array(STEP_BYTES + (isInline ? bytes : 0))
  const pushed = isInline ? [] : [new Uint8Array(PUSH_HEADER_BYTES), new Uint8Array(bytes)]
  return middleMs(times, async () => {
    await frames.writeV([step])
    if (!isInline) await frames.writeV(pushed)
    for (const _frame of [step, ...pushed]) (await frames.read()).slice()
  })
}

async function signatureMs({ times }: VisitSize): Promise<number> {
  const { privateKey, release } = await openIdentity(undefined)
  const message = new Uint8Array(STEP_BYTES + HASH_BYTES)
  const ms = await middleMs(times, async () => {
    const signature = await privateKey.sign(message)
    await privateKey.publicKey.verify(message, signature)
  })
  await release()
  return ms
}

/** What `work` takes: the middle of so many times. */
async function middleMs(times: number, work: () => void | Promise<void>): Promise<number> {
  const all: number[] = []
  for (let time = 0; time < times; time++) {
    const startMs = performance.now()
    await work()
    all.push(performance.now() - startMs)
  }
  all.sort((a, b) => a - b)
  return all[times >> 1] ?? Number.NaN
}

const silent: Logger = Object.assign(() => {}, {
  error() {},
  trace() {},
  enabled: false,
  newScope: () => silent,
})

/** A stream that hears what it says. */
class Loop extends AbstractMessageStream {
  constructor() {
    super({ log: silent })
  }

  override sendData(data: Parameters<Loop['onData']>[0]) {
    const sentBytes = data.byteLength
    this.onData(data)
    return { sentBytes, canSendMore: true }
  }

  override sendReset(): void {}
  override sendPause(): void {}
  override sendResume(): void {}
  override async close(): Promise<void> {}
}
