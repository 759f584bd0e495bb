import { Counter, Gauge, Registry } from 'prom-client'
import type { SignalingSnapshot } from './snapshot.ts'

/** One value and the labels that it stands under, in the order of the metric's label names. */
type Sample = readonly [labels: readonly (string | number)[], value: number]

interface Metric {
  readonly kind: typeof Gauge | typeof Counter
  readonly name: string
  readonly help: string
  readonly labels: readonly string[]
  readonly samples: readonly Sample[]
}

/** The stream protocols of circuit relay v2; what crosses a circuit is sent once over one of them. */
const CIRCUIT_PROTOCOLS = ['/libp2p/circuit/relay/0.2.0/hop', '/libp2p/circuit/relay/0.2.0/stop']

/** A snapshot in Prometheus' text format 0.0.4. */
export function renderMetrics(snapshot: SignalingSnapshot): Promise<string> {
  const registry = new Registry()
  for (const metric of [
    ...swarmMetrics(snapshot),
    ...relayMetrics(snapshot),
    ...httpMetrics(snapshot),
  ]) {
    register(metric, registry)
  }
  return registry.metrics()
}

function register({ kind, name, help, labels, samples }: Metric, registry: Registry): void {
  const made = new kind({
    name: `layerswarm_${name}`,
    help,
    labelNames: [...labels],
    registers: [registry],
  })
  for (const [values, value] of samples) {
    made.inc(Object.fromEntries(labels.map((label, index) => [label, values[index] ?? ''])), value)
  }
}

/** Bytes that crossed circuits in both directions, their handshakes included. */
function relayedBytes({ relay }: SignalingSnapshot): number {
  return CIRCUIT_PROTOCOLS.reduce((sum, name) => sum + (relay.traffic[name]?.sent ?? 0), 0)
}

function swarmMetrics(snapshot: SignalingSnapshot): Metric[] {
  const { releases, peers, state, version, uptimeMs, refusedReleases } = snapshot
  return [
    gauge('info', 'Version of the server.', ['version'], [[[version], 1]]),
    single('ready', '1 when the server takes part in its swarm.', state === 'ready' ? 1 : 0),
    single('uptime_seconds', 'Time since the start.', uptimeMs / 1000),
    gauge(
      'release_info',
      'Releases that are served.',
      ['release', 'name', 'publisher'],
      releases.map(({ id, name, publisher }) => [[id, name, publisher], 1]),
    ),
    single('releases_refused', 'Model folders that failed their check.', refusedReleases),
    gauge(
      'peers',
      'Peers that announce themselves, by what they compute with.',
      ['backend'],
      Object.entries(peers.byBackend).map(([backend, count]) => [[backend], count]),
    ),
    gauge(
      'release_peers',
      'Peers that announce a release.',
      ['release', 'name'],
      releases.map(({ id, name, peers: count }) => [[id, name], count]),
    ),
    gauge(
      'lane_peers',
      'Peers in a lane of a release, by whether they host a layer.',
      ['release', 'name', 'lane', 'role'],
      releases.flatMap(({ id, name, lanes }) =>
        lanes.flatMap(({ lane, providers, askers }): Sample[] => [
          [[id, name, lane, 'provider'], providers],
          [[id, name, lane, 'asker'], askers],
        ]),
      ),
    ),
    gauge(
      'lane_layers_lacking',
      'Layers that nobody in a lane hosts.',
      ['release', 'name', 'lane'],
      releases.flatMap(({ id, name, lanes }) =>
        lanes.map(({ lane, lacking }): Sample => [[id, name, lane], lacking]),
      ),
    ),
    gauge(
      'layer_hosts',
      'Peers that host a layer.',
      ['release', 'name', 'layer'],
      releases.flatMap(({ id, name, hosts }) =>
        hosts.map((count, layer): Sample => [[id, name, layer], count]),
      ),
    ),
  ]
}

function relayMetrics(snapshot: SignalingSnapshot): Metric[] {
  const { relay, gossip } = snapshot
  const traffic = Object.entries(relay.traffic)
  return [
    gauge(
      'connections',
      'Open libp2p connections.',
      ['transport'],
      [
        [['websocket'], relay.connections.websocket],
        [['tcp'], relay.connections.tcp],
      ],
    ),
    gauge(
      'servers',
      'Other servers of the swarm that were named, by whether they are connected.',
      ['state'],
      [
        [['connected'], snapshot.servers.connected],
        [['away'], snapshot.servers.away],
      ],
    ),
    single('reservations', 'Relay reservations held.', relay.reservations),
    counter(
      'circuits_total',
      'Relayed circuits asked for.',
      ['result'],
      [
        [['granted'], relay.circuits.granted],
        [['refused'], relay.circuits.refused],
      ],
    ),
    counter(
      'relayed_bytes_total',
      'Bytes through circuits, handshakes included.',
      [],
      [[[], relayedBytes(snapshot)]],
    ),
    counter(
      'stream_bytes_total',
      'Bytes on libp2p streams.',
      ['protocol', 'direction'],
      traffic.flatMap(([protocol, { received, sent }]): Sample[] => [
        [[protocol, 'received'], received],
        [[protocol, 'sent'], sent],
      ]),
    ),
    counter(
      'streams_total',
      'libp2p streams opened.',
      ['protocol'],
      traffic.map(([protocol, { streams }]) => [[protocol], streams]),
    ),
    ...gossipMetrics(gossip),
  ]
}

function gossipMetrics(gossip: SignalingSnapshot['gossip']): Metric[] {
  return [
    counter(
      'gossip_messages_total',
      'Gossip messages judged.',
      ['topic', 'result'],
      [
        [['presence', 'accepted'], gossip.accepted],
        ...Object.entries(gossip.refused).map(
          ([result, count]): Sample => [['presence', result], count],
        ),
      ],
    ),
    counter(
      'gossip_bytes_total',
      'Bytes of the gossip messages judged.',
      ['topic', 'result'],
      [
        [['presence', 'accepted'], gossip.acceptedBytes],
        [['presence', 'refused'], gossip.refusedBytes],
      ],
    ),
  ]
}

function httpMetrics({ http }: SignalingSnapshot): Metric[] {
  return [
    counter(
      'http_requests_total',
      'HTTP answers.',
      ['route', 'status'],
      http.map(({ route, status, requests }) => [[route, status], requests]),
    ),
  ]
}

function single(name: string, help: string, value: number): Metric {
  return gauge(name, help, [], [[[], value]])
}

function gauge(
  name: string,
  help: string,
  labels: readonly string[],
  samples: readonly Sample[],
): Metric {
  return { kind: Gauge, name, help, labels, samples }
}

function counter(
  name: string,
  help: string,
  labels: readonly string[],
  samples: readonly Sample[],
): Metric {
  return { kind: Counter, name, help, labels, samples }
}
