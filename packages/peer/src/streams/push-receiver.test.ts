import { randomBytes } from 'node:crypto'
import { HASH_BYTES, type TensorHash } from '@layerswarm/swarm'
import type { Logger, Stream } from '@libp2p/interface'
import { AbstractMessageStream } from '@libp2p/utils'
import { expect, test } from 'vitest'
import { hashOf } from '#digest'
import { PUSH_HEADER_BYTES } from '../limits.ts'
import { createAccessMeter } from './access-meter.ts'
import { hexBytes } from './hex.ts'
import { Receiver } from './push-receiver.ts'
import { PushedTensors } from './pushed-tensors.ts'

const silent: Logger = Object.assign(() => {}, {
  error() {},
  trace() {},
  enabled: false,
  newScope: () => silent,
})

/** The receiver's end of a stream; the sender at the other end reads only what it is let. */
class End extends AbstractMessageStream {
  readonly protocol = 'test'
  isRead = true
  sent = 0

  constructor() {
    super({ log: silent })
  }

  override sendData(data: { byteLength: number }) {
    const sentBytes = this.isRead ? data.byteLength : 0
    this.sent += sentBytes
    return { sentBytes, canSendMore: this.isRead }
  }

  override sendReset(): void {}
  override sendPause(): void {}
  override sendResume(): void {}
  async closeRead(): Promise<void> {}
  override async close(): Promise<void> {}
}

function open(bytesMax = 1e6) {
  const pushed = new PushedTensors(() => bytesMax)
  const needs = { pushed, meter: createAccessMeter(), bytesPerSecond: 1e9 }
  const receiver = new Receiver(needs, new AbortController().signal)
  const connect = (peer: string) => {
    const end = new End()
    receiver.handle(end as unknown as Stream, peer)
    return end
  }
  return { pushed, receiver, connect }
}

async function pushOf(bytes: Uint8Array): Promise<[TensorHash, Uint8Array]> {
  const hash = (await hashOf(bytes)) as string
  const header = new Uint8Array(PUSH_HEADER_BYTES)
  header.set(hexBytes(hash))
  new DataView(header.buffer).setUint32(HASH_BYTES, bytes.length, true)
  const length = [(bytes.length & 127) | 128, bytes.length >> 7]
  return [hash as TensorHash, Uint8Array.from([header.length, ...header, ...length, ...bytes])]
}

/** Until hashes are checked and streams are aborted. */
const settled = () => new Promise(setImmediate)

test.each([1, 2, 36, 37, 40, 1_000])(
  'tensors are read in pieces of %i bytes, and nothing is held of the pieces',
  async (pieceBytes) => {
    const { pushed, connect, receiver } = open()
    const end = connect('anna')
    for (let number = 1; number <= 3; number++) {
      const bytes = new Uint8Array(randomBytes(500))
      const [hash, said] = await pushOf(bytes)
      for (let at = 0; at < said.length; at += pieceBytes) {
        const piece = said.slice(at, at + pieceBytes)
        end.onData(piece)
        piece.fill(0)
      }
      await settled()
      expect(pushed.take(hash, 500)).toEqual(bytes)
      expect([end.sent, receiver.bytesIn]).toEqual([2 * number, 500 * number])
    }
    expect(end.status).toBe('open')
  },
)

test('a sender that sends on and on and reads nothing is heard no more', async () => {
  const { pushed, connect } = open()
  const end = connect('anna')
  end.isRead = false
  const [, said] = await pushOf(new Uint8Array(500))
  for (let i = 0; i < 5 && end.status === 'open'; i++) {
    end.onData(said)
    await settled()
  }
  expect(end.status).toBe('aborted')
  expect(pushed.bytes).toBe(500)
})

test('a tensor that makes room for those of others takes its stream along', async () => {
  const { pushed, connect } = open(1_000)
  const [, said] = await pushOf(new Uint8Array(randomBytes(900)))
  const stalled = connect('flood')
  stalled.onData(said.subarray(0, said.length - 1))
  expect(pushed.bytes).toBe(899)
  const [hash, honest] = await pushOf(new Uint8Array(randomBytes(300)))
  connect('honest').onData(honest)
  await settled()
  expect(stalled.status).toBe('aborted')
  expect(pushed.take(hash, 300)).toHaveLength(300)
  expect(pushed.bytes).toBe(0)
})
