import type { Metrics, Stream } from '@libp2p/interface'
import { type PrometheusMetricsComponents, prometheusMetrics } from '@libp2p/prometheus-metrics'
import { Registry } from 'prom-client'
import type { ProtocolTraffic } from './relay-terms.ts'

/** What has crossed the streams of a node, and what libp2p measures of itself. */
export interface Traffic {
  /** To be given to libp2p as its metrics component. */
  readonly metrics: (components: PrometheusMetricsComponents) => Metrics
  readonly byProtocol: ReadonlyMap<string, Readonly<ProtocolTraffic>>
  /** libp2p's own metrics: dials, handshakes, queues, bytes by protocol. None is labelled by peer. */
  readonly libp2p: Registry
}

/**
 * Counts the bytes of every stream by protocol. The protocols are those this node speaks, so the
 * number of entries is fixed.
 * @param diskOf a folder on the disk of which libp2p tells how full it is.
 */
export function createTraffic(diskOf: string): Traffic {
  const byProtocol = new Map<string, ProtocolTraffic>()
  const libp2p = new Registry()
  const make = prometheusMetrics({
    registry: libp2p,
    collectDefaultMetrics: false,
    statfsLocation: diskOf,
  })
  return {
    byProtocol,
    libp2p,
    metrics(components) {
      const metrics = make(components)
      const track = metrics.trackProtocolStream.bind(metrics)
      metrics.trackProtocolStream = (stream) => {
        count(stream, entryOf(byProtocol, stream.protocol))
        track(stream)
      }
      return metrics
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
