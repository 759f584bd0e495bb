/**
 * @libp2p/webrtc 6 opens a data channel named "init" to start a connection and waits for its `open`
 * event. The answering side closes that channel as soon as its own muxer runs. When the dialling
 * side is a few milliseconds late, the channel has gone from connecting to closed before anybody
 * listened: `open` never comes and the dial hangs until its timeout, although the connection stands
 * (2 to 5 of 15 pairs when six tabs join at once). With this wrapper a channel that is already
 * closing counts as having been open, and one that closes first ends the wait.
 */
const INIT_CHANNEL = 'init'

const fixed = new WeakSet<object>()

/** What of the class of RTCPeerConnections is changed: the browser's, or that of node-datachannel. */
interface Connections {
  readonly prototype: Pick<RTCPeerConnection, 'createDataChannel'>
}

/** Makes the `init` channels of all later connections report what they missed. Idempotent. */
export function fixInitDataChannel({ prototype }: Connections): void {
  if (fixed.has(prototype)) return
  fixed.add(prototype)
  const create = prototype.createDataChannel
  prototype.createDataChannel = function createDataChannel(label, options) {
    const channel = create.call(this, label, options)
    return label === INIT_CHANNEL ? reportingMissedEvents(channel) : channel
  }
}

function reportingMissedEvents(channel: RTCDataChannel): RTCDataChannel {
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
    const { readyState } = channel
    if (type === 'open') {
      if (readyState === 'closing' || readyState === 'closed') callSoon(listener, type)
      else add('close', listener, { once: true })
    }
    if (type === 'close' && readyState === 'closed') callSoon(listener, type)
  }
  return channel
}
