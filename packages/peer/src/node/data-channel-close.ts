import { CHANNEL_CLOSE_PATIENCE_MS, CHANNELS_LINGERING_MAX } from '../limits.ts'

/**
 * Whoever opened a data channel closes it first. A stream of @libp2p/webrtc 6 ends with both sides closing its
 * channel at about the same time. Where the news of the other side's closing comes first, Firefox (140) takes the
 * channel's number for free while its own closing (a reset of the stream, RFC 6525) is still under way, and gives it
 * to the next channel; what that sends is put off until the reset is over, which nothing tells Firefox of, and
 * all that any channel sends afterwards waits behind it: the connection is dead for good, and looks open.
 *
 * 1. A channel that the other side opened is closed `CHANNEL_CLOSE_PATIENCE_MS` after it was to be, unless the other
 *    side has closed it by then.
 * 2. No more than `CHANNELS_LINGERING_MAX` wait for that; for another one the one that has waited longest is closed.
 */
const patched = new WeakSet<object>()

type ChannelParameters = Parameters<RTCPeerConnection['createDataChannel']>

/** The classes that are changed: the browser's, or those of node-datachannel. */
export interface DataChannelClasses {
  readonly RTCPeerConnection: {
    readonly prototype: {
      createDataChannel(this: RTCPeerConnection, ...given: ChannelParameters): RTCDataChannel
    }
  }
  readonly RTCDataChannel: { readonly prototype: { close(this: RTCDataChannel): void } }
}

/** Has all later channels closed by whoever opened them. Idempotent. */
export function closeByOpener({ RTCPeerConnection, RTCDataChannel }: DataChannelClasses): void {
  const connections = RTCPeerConnection.prototype
  const channels = RTCDataChannel.prototype
  if (patched.has(connections)) return
  patched.add(connections)
  const opened = new WeakSet<RTCDataChannel>()
  /** The longest first, and what closes each. */
  const lingering = new Map<RTCDataChannel, () => void>()
  const { createDataChannel } = connections
  const { close } = channels
  connections.createDataChannel = function createOwn(...given) {
    const channel = createDataChannel.apply(this, given)
    opened.add(channel)
    return channel
  }
  channels.close = function closeInTurn() {
    if (opened.has(this) || this.readyState !== 'open') return close.call(this)
    if (lingering.has(this)) return
    const [oldest] = lingering.values()
    if (lingering.size >= CHANNELS_LINGERING_MAX) oldest?.()
    const end = (): void => {
      clearTimeout(timer)
      if (lingering.delete(this) && this.readyState === 'open') close.call(this)
    }
    const timer = setTimeout(end, CHANNEL_CLOSE_PATIENCE_MS)
    lingering.set(this, end)
    // In Node nothing that is only to be closed keeps the process alive.
    if (typeof timer === 'object') (timer as { unref(): void }).unref()
    this.addEventListener('close', end, { once: true })
  }
}
