import { describe, expect, test } from 'vitest'
import {
  CONNECTION_UNSENT_BYTES_MAX,
  MUX_HEADER_BYTES,
  MUX_PINGS,
  MUX_STREAMS,
  STREAM_WINDOW_BYTES_MAX,
} from '../limits.ts'
import { boundFrames } from './frame-bounds.ts'

const [DATA, WINDOW, PING] = [0, 1, 2]
const [NONE, SYN, ACK, RST] = [0, 1, 2, 8]

/** A muxer that reads headers of frames without anything behind them. */
function muxer() {
  let nowMs = 0
  const carrier: { maxWriteBufferLength?: number } = {}
  const decoder = {
    buffer: new Uint8Array(0),
    readFrame() {
      if (this.buffer.byteLength < MUX_HEADER_BYTES) return undefined
      const frame = this.buffer
      this.buffer = new Uint8Array(0)
      return frame
    },
  }
  const muxers = boundFrames(
    () => ({ createStreamMuxer: (_: typeof carrier) => ({ decoder }) }),
    () => nowMs,
  )(undefined)
  muxers.createStreamMuxer(carrier)
  return {
    carrier,
    wait(ms: number) {
      nowMs += ms
    },
    read(type = DATA, flags = NONE, length = 0) {
      decoder.buffer = Uint8Array.of(0, type, 0, flags, 0, 0, 0, 1, 0, 0, 0, 0)
      new DataView(decoder.buffer.buffer).setUint32(8, length)
      return decoder.readFrame()
    },
  }
}

describe('a connection', () => {
  test('keeps no more than so much for an end that reads nothing', () => {
    expect(muxer().carrier.maxWriteBufferLength).toBe(CONNECTION_UNSENT_BYTES_MAX)
  })

  test('takes frames of data as long as a window, and none that is longer', () => {
    const { read } = muxer()
    expect(read(DATA, NONE, STREAM_WINDOW_BYTES_MAX)).toBeDefined()
    expect(() => read(DATA, NONE, STREAM_WINDOW_BYTES_MAX + 1)).toThrow('longer than any')
    // Of other frames this is another number.
    expect(read(WINDOW, NONE, 2 ** 32 - 1)).toBeDefined()
    expect(read(PING, ACK, 2 ** 32 - 1)).toBeDefined()
  })

  test.each([
    ['pings', PING, MUX_PINGS],
    ['streams', WINDOW, MUX_STREAMS],
    ['streams with data', DATA, MUX_STREAMS],
  ])('takes so many %s at once, and as many as come back in a second', (_, type, rate) => {
    const { read, wait } = muxer()
    for (let i = 0; i < rate.burst; i++) read(type, SYN)
    expect(() => read(type, SYN)).toThrow('than anybody needs')
    wait(1_000)
    for (let i = 0; i < rate.perSecond; i++) read(type, SYN)
    expect(() => read(type, SYN)).toThrow('than anybody needs')
  })

  test('does not count what begins nothing', () => {
    const { read } = muxer()
    for (let i = 0; i < 4 * MUX_STREAMS.burst; i++) {
      read(DATA, NONE, 100)
      read(WINDOW, ACK)
      read(WINDOW, RST)
    }
    expect(read(WINDOW, SYN)).toBeDefined()
  })
})
