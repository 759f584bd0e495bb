/**
 * @libp2p/webrtc 6 opens a data channel named "init" to start a connection and waits for its `open`
 * event. The answering side closes that channel as soon as its own muxer runs. When the dialling
 * side is a few milliseconds late, the channel has gone from connecting to closed before anybody
 * listened: `open` never comes and the dial hangs until its timeout, although the connection stands
 * (2 to 5 of 15 pairs when six tabs join at once). With this wrapper a channel that is already
 * closing counts as having been open, and one that closes first ends the wait.
 *
 * In Node the connection itself may be gone by then: libdatachannel 0.24 checks the other side's
 * certificate before it knows its fingerprint when both are on one machine and the handshake overtakes the
 * answer (one dial of four between peers of one process). Its channel never says anything; with this
 * wrapper it tells of an error, so that the dial fails at once and is tried again.
 */
const INIT_CHANNEL = 'init'

const fixed = new WeakSet<object>()

type ChannelParameters = Parameters<RTCPeerConnection['createDataChannel']>

/** What of the class of RTCPeerConnections is changed: the browser's, or that of node-datachannel. */
interface Connections {
  readonly prototype: {
    createDataChannel(this: RTCPeerConnection, ...given: ChannelParameters): RTCDataChannel
  }
}

/** Makes the `init` channels of all later connections report what they missed. Idempotent. */
export function fixInitDataChannel({ prototype }: Connections): void {
  if (fixed.has(prototype)) return
  fixed.add(prototype)
  const create = prototype.createDataChannel
  prototype.createDataChannel = function createDataChannel(label, options) {
    const channel = create.call(this, label, options)
    return label === INIT_CHANNEL ? reportingMissedEvents(channel, this) : channel
  }
}

function reportingMissedEvents(
  channel: RTCDataChannel,
  connection: RTCPeerConnection,
): RTCDataChannel {
  const isDead = () => ['closed', 'failed'].includes(connection.connectionState)
  /** Whether an event has been already, or counts as having been. */
  const isOver = (type: string): boolean => {
    const { readyState } = channel
    if (isDead()) return type === 'error'
    if (type === 'open') return readyState === 'closing' || readyState === 'closed'
    return type === 'close' && readyState === 'closed'
  }
  const add = channel.addEventListener.bind(channel)
  const callSoon = (listener: EventListenerOrEventListenerObject, type: string) =>
    queueMicrotask(() => {
      const event = new Event(type)
      if (typeof listener === 'function') listener.call(channel, event)
      else listener.handleEvent(event)
    })
  channel.addEventListener = (
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | AddEventListenerOptions,
  ) => {
    if (listener === null) return
    add(type, listener, options)
    if (isOver(type)) callSoon(listener, type)
    else if (type === 'open') add('close', listener, { once: true })
  }
  connection.addEventListener('connectionstatechange', () => {
    if (isDead()) channel.dispatchEvent(new Event('error'))
  })
  return channel
}
