import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { CHANNEL_CLOSE_PATIENCE_MS, CHANNELS_LINGERING_MAX } from '../limits.ts'
import { closeByOpener, type DataChannelClasses } from './data-channel-close.ts'

/** What of the two classes matters here. */
function createClasses() {
  class RTCDataChannel extends EventTarget {
    readyState = 'open'
    close(): void {
      this.readyState = 'closed'
      this.dispatchEvent(new Event('close'))
    }
  }
  class RTCPeerConnection {
    createDataChannel(_label: string): RTCDataChannel {
      return new RTCDataChannel()
    }
  }
  const classes = { RTCDataChannel, RTCPeerConnection }
  for (let twice = 0; twice < 2; twice++) closeByOpener(classes as unknown as DataChannelClasses)
  return classes
}

let classes: ReturnType<typeof createClasses>
beforeEach(() => {
  vi.useFakeTimers()
  classes = createClasses()
})
afterEach(() => {
  vi.useRealTimers()
})

describe('a data channel', () => {
  test('is closed at once by whoever opened it', () => {
    const channel = new classes.RTCPeerConnection().createDataChannel('')
    channel.close()
    expect(channel.readyState).toBe('closed')
  })

  test('that the other side opened is closed when that has had its time', () => {
    const channel = new classes.RTCDataChannel()
    channel.close()
    channel.close()
    vi.advanceTimersByTime(CHANNEL_CLOSE_PATIENCE_MS - 1)
    expect(channel.readyState).toBe('open')
    vi.advanceTimersByTime(1)
    expect(channel.readyState).toBe('closed')
  })

  test('that the other side has closed leaves no timer', () => {
    const channel = new classes.RTCDataChannel()
    channel.close()
    channel.readyState = 'closed'
    channel.dispatchEvent(new Event('close'))
    expect(vi.getTimerCount()).toBe(0)
  })

  test('that is not open is closed at once', () => {
    const channel = new classes.RTCDataChannel()
    channel.readyState = 'connecting'
    channel.close()
    expect(channel.readyState).toBe('closed')
  })

  test('waits no longer for the other side when many others do', () => {
    const channels = Array.from(
      { length: CHANNELS_LINGERING_MAX + 1 },
      () => new classes.RTCDataChannel(),
    )
    for (const channel of channels) channel.close()
    const closed = channels.filter(({ readyState }) => readyState === 'closed')
    expect(closed).toEqual([channels[0]])
  })
})
