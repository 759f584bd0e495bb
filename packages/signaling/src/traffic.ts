import type { Metrics, Stream } from '@libp2p/interface'

/** Bytes and streams of one libp2p protocol. */
export interface ProtocolTraffic {
  streams: number
  received: number
  sent: number
}

/** What has crossed the streams of a node. */
export interface Traffic {
  /** To be given to libp2p as its metrics component. */
  readonly metrics: Metrics
  readonly byProtocol: ReadonlyMap<string, Readonly<ProtocolTraffic>>
}

/**
 * Counts the bytes of every stream by protocol. The protocols are those this node speaks, so the
 * number of entries is fixed; the rest of libp2p's metrics are not collected.
 */
export function createTraffic(): Traffic {
  const byProtocol = new Map<string, ProtocolTraffic>()
  const nothing = () => {}
  const metric = {
    update: nothing,
    increment: nothing,
    decrement: nothing,
    reset: nothing,
    observe: nothing,
    timer: () => nothing,
  }
  const register = () => metric
  return {
    byProtocol,
    metrics: {
      trackMultiaddrConnection: nothing,
      trackProtocolStream: (stream) => count(stream, entryOf(byProtocol, stream.protocol)),
      registerMetric: register,
      registerMetricGroup: register,
      registerCounter: register,
      registerCounterGroup: register,
      registerHistogram: register,
      registerHistogramGroup: register,
      registerSummary: register,
      registerSummaryGroup: register,
      traceFunction: <F>(_name: string, traced: F) => traced,
      createTrace: nothing,
    },
  }
}

function entryOf(byProtocol: Map<string, ProtocolTraffic>, protocol: string): ProtocolTraffic {
  const entry = byProtocol.get(protocol) ?? { streams: 0, received: 0, sent: 0 }
  byProtocol.set(protocol, entry)
  return entry
}

/**
 * A `message` listener would set the stream flowing before its reader is there and lose the first
 * bytes, so the stream's own two methods are wrapped instead.
 */
function count(stream: Stream, entry: ProtocolTraffic): void {
  entry.streams += 1
  const send = stream.send.bind(stream)
  stream.send = (data) => {
    entry.sent += data.byteLength
    return send(data)
  }
  const dispatchEvent = stream.dispatchEvent.bind(stream)
  stream.dispatchEvent = (event: Event) => {
    if (event.type === 'message' && 'data' in event && isSized(event.data)) {
      entry.received += event.data.byteLength
    }
    return dispatchEvent(event)
  }
}

function isSized(data: unknown): data is { byteLength: number } {
  return typeof data === 'object' && data !== null && 'byteLength' in data
}
