import { encodeMessage, MESSAGE_BYTES_MAX } from '@layerswarm/swarm'
import type { Connection, Logger, Stream, StreamHandler } from '@libp2p/interface'
import { AbstractMessageStream } from '@libp2p/utils'
import type { SwarmNode } from '../../../packages/peer/src/node/libp2p-config.ts'
import { createAccessMeter } from '../../../packages/peer/src/streams/access-meter.ts'
import { createExchange } from '../../../packages/peer/src/streams/exchange.ts'
import {
  createLayerStreams,
  LAYER_PROTOCOL,
} from '../../../packages/peer/src/streams/layer-streams.ts'
import {
  createPushStreams,
  PUSH_PROTOCOL,
} from '../../../packages/peer/src/streams/push-streams.ts'
import { PushedTensors } from '../../../packages/peer/src/streams/pushed-tensors.ts'
import {
  createTellStreams,
  TELL_PROTOCOL,
} from '../../../packages/peer/src/streams/tell-streams.ts'
import type { Target } from '../target.ts'
import { anyMessages, KEYED } from './swarm.ts'

const file = (name: string) => `packages/peer/src/streams/${name}`

/** A stream must have ended so long after its last byte, milliseconds. */
const END_MS = 5_000

const silent: Logger = Object.assign(() => {}, {
  error() {},
  trace() {},
  enabled: false,
  newScope: () => silent,
})

/** A stream whose other end says what the test says. */
class Hostile extends AbstractMessageStream {
  readonly protocol = 'test'
  sentBytes = 0

  constructor() {
    super({ log: silent })
  }

  /** The other end's bytes, in pieces, and then its end. */
  async say(input: Uint8Array, pieceBytes: number): Promise<void> {
    for (let at = 0; at < input.length; at += pieceBytes) {
      this.onData(input.slice(at, at + pieceBytes))
      await undefined
    }
    // Whoever reads has read by then what can be read without another byte.
    await new Promise(setImmediate)
    this.onRemoteCloseWrite()
  }

  override sendData(data: Parameters<Hostile['onData']>[0]) {
    this.sentBytes += data.byteLength
    return { sentBytes: data.byteLength, canSendMore: true }
  }

  override sendReset(): void {}
  override sendPause(): void {}
  override sendResume(): void {}
  async closeRead(): Promise<void> {}
  override async close(): Promise<void> {
    this.onTransportClosed()
  }
}

/** A node of libp2p as far as streams need one: whoever dials is at the end of a direct connection. */
function fakeNode(stream: Hostile): { node: SwarmNode; open(): Promise<void> } {
  const handlers: StreamHandler[] = []
  const connection = {
    direct: true,
    limits: undefined,
    status: 'open',
    timeline: { open: 0 },
    remotePeer: { toString: () => KEYED[0] },
    newStream: async () => stream,
  } as unknown as Connection
  const node = {
    handle: async (_id: string, handler: StreamHandler) => void handlers.push(handler),
    unhandle: async () => undefined,
    getConnections: () => [connection],
    addEventListener() {},
    removeEventListener() {},
  } as unknown as SwarmNode
  return {
    node,
    async open() {
      for (const handler of handlers) await handler(stream as unknown as Stream, connection)
    },
  }
}

/** Waits for the end of a stream. @throws Error when there is none. */
async function ended(stream: Hostile): Promise<void> {
  if (stream.status !== 'open') return
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('a stream without an end')), END_MS)
    const end = () => {
      clearTimeout(timer)
      resolve()
    }
    stream.addEventListener('close', end, { once: true })
  })
}

/** The first byte says in what pieces the others come. */
function pieces(input: Uint8Array): { bytes: Uint8Array; pieceBytes: number } {
  const [first = 0] = input
  return { bytes: input.subarray(1), pieceBytes: first % 8 === 0 ? input.length + 1 : 1 + first }
}

function framed(...frames: readonly Uint8Array[]): Uint8Array {
  const made: number[] = [0]
  for (const frame of frames) {
    let { length } = frame
    for (; length > 127; length = Math.floor(length / 128)) made.push((length % 128) + 128)
    made.push(length, ...frame)
  }
  return Uint8Array.from(made)
}

const header = (size: number) => {
  const bytes = new Uint8Array(36).fill(3)
  new DataView(bytes.buffer).setUint32(32, size, true)
  return bytes
}

/** What another peer says on streams: of messages, tensors, layer files, and answers to what was asked. */
export const STREAM_TARGETS: readonly Target[] = [
  {
    name: 'peer/told-messages',
    covers: [file('tell-streams.ts#createTellStreams'), file('lines.ts#framesOf')],
    kind: 'bytes',
    share: 0.01,
    seeds: () => [
      framed(...anyMessages().slice(0, 3).map(encodeMessage)),
      framed(new Uint8Array(200)),
    ],
    async run(input) {
      const stream = new Hostile()
      const { node, open } = fakeNode(stream)
      const heard: Uint8Array[] = []
      const tells = createTellStreams(node, (_peer, message) => {
        if (message.length > MESSAGE_BYTES_MAX) throw new Error('a frame that is too long')
        heard.push(message)
        return message.length < 200
      })
      await tells.start()
      await open()
      const { bytes, pieceBytes } = pieces(input)
      await stream.say(bytes, pieceBytes)
      await ended(stream)
      await tells.stop()
      return { heard, protocol: TELL_PROTOCOL }
    },
  },
  {
    name: 'peer/pushed-tensor',
    covers: [file('push-streams.ts#createPushStreams')],
    kind: 'bytes',
    share: 0.01,
    seeds: () => [framed(header(4), Uint8Array.of(1, 2, 3, 4)), framed(header(4 * 2 ** 20))],
    async run(input) {
      const stream = new Hostile()
      const { node, open } = fakeNode(stream)
      const pushed = new PushedTensors(() => 4_096)
      const meter = createAccessMeter()
      const pushes = createPushStreams({ node, pushed, meter, rttMs: () => 1, bytesPerSecond: 1e6 })
      await pushes.start()
      await open()
      const { bytes, pieceBytes } = pieces(input)
      await stream.say(bytes, pieceBytes)
      await ended(stream)
      const { bytes: held } = pushed
      await pushes.stop()
      if (held > 4_096) throw new Error('more bytes are kept than there is room for')
      if (held > input.length) throw new Error('room is still taken by a tensor that did not come')
      pushed.clear()
      return { held, protocol: PUSH_PROTOCOL }
    },
  },
  {
    name: 'peer/layer-request',
    covers: [file('layer-streams.ts#createLayerStreams')],
    kind: 'bytes',
    share: 0.01,
    seeds: () => [framed(header(0), header(1)), framed(new Uint8Array(36), new Uint8Array(35))],
    async run(input) {
      const stream = new Hostile()
      const { node, open } = fakeNode(stream)
      const layers = createLayerStreams({
        node,
        async held(hash) {
          if (!hash.startsWith('03')) return undefined
          const file = new Uint8Array(100)
          return { bytes: 100, read: async ({ start, end }) => file.slice(start, end) }
        },
        candidates: () => [],
      })
      await layers.start()
      await open()
      const { bytes, pieceBytes } = pieces(input)
      await stream.say(bytes, pieceBytes)
      await ended(stream)
      await layers.stop()
      // At most one answer of a status, a file of 100 bytes and their lengths for every question.
      if (stream.sentBytes > 4 * (bytes.length + 36))
        throw new Error('more is answered than was asked')
      return { sent: stream.sentBytes, protocol: LAYER_PROTOCOL.id }
    },
  },
  {
    name: 'peer/exchange-answer',
    covers: [file('exchange.ts#createExchange')],
    kind: 'bytes',
    share: 0.01,
    seeds: () => [framed(Uint8Array.of(1), new Uint8Array(40)), framed(Uint8Array.of(0))],
    async run(input) {
      const stream = new Hostile()
      const { node } = fakeNode(stream)
      const exchange = createExchange(
        node,
        { ...LAYER_PROTOCOL, responseBytesMax: 1_024 },
        async () => undefined,
      )
      const { bytes, pieceBytes } = pieces(input)
      const asked = exchange.ask(KEYED[0] ?? '', header(0)).catch((error: unknown) => {
        // Any failure is one: another peer is asked. It is an Error, as the interface says.
        if (!(error instanceof Error)) throw new Error('something thrown that is no Error')
        return undefined
      })
      await new Promise(setImmediate)
      await stream.say(bytes, pieceBytes)
      const answer = await asked
      await exchange.stop()
      if (answer !== undefined && answer.length > 1_024)
        throw new Error('an answer beyond its bound')
      return answer
    },
  },
]
