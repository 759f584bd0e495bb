import type { SignalingSnapshot } from './snapshot.ts'

type Labels = Readonly<Record<string, string | number>>
type Sample = readonly [labels: Labels, value: number]

/** The stream protocols of circuit relay v2; what crosses a circuit is sent once over one of them. */
const CIRCUIT_PROTOCOLS = ['/libp2p/circuit/relay/0.2.0/hop', '/libp2p/circuit/relay/0.2.0/stop']

/** A snapshot in Prometheus' text format 0.0.4. */
export function renderMetrics(snapshot: SignalingSnapshot): string {
  return [...swarmMetrics(snapshot), ...relayMetrics(snapshot), ...httpMetrics(snapshot), ''].join(
    '\n',
  )
}

/** Bytes that crossed circuits in both directions, their handshakes included. */
function relayedBytes({ relay }: SignalingSnapshot): number {
  return CIRCUIT_PROTOCOLS.reduce((sum, name) => sum + (relay.traffic[name]?.sent ?? 0), 0)
}

function swarmMetrics(snapshot: SignalingSnapshot): string[] {
  const { releases, peers, state, version, uptimeMs, refusedReleases } = snapshot
  const hosts = releases.flatMap(({ name, id, hosts: perLayer }) =>
    perLayer.map((count, layer): Sample => [{ release: id, name, layer }, count]),
  )
  return [
    ...gauge('info', 'Version of the server.', [[{ version }, 1]]),
    ...gauge('ready', '1 when the server takes part in its swarm.', [
      [{}, state === 'ready' ? 1 : 0],
    ]),
    ...gauge('uptime_seconds', 'Time since the start.', [[{}, uptimeMs / 1000]]),
    ...gauge(
      'release_info',
      'Releases that are served.',
      releases.map(({ id, name, publisher }): Sample => [{ release: id, name, publisher }, 1]),
    ),
    ...gauge('releases_refused', 'Model folders that failed their check.', [[{}, refusedReleases]]),
    ...gauge('peers', 'Peers that announce themselves, by what they compute with.', [
      ...Object.entries(peers.byBackend).map(([backend, count]): Sample => [{ backend }, count]),
    ]),
    ...gauge(
      'release_peers',
      'Peers that announce a release.',
      releases.map(({ id, name, peers: count }): Sample => [{ release: id, name }, count]),
    ),
    ...gauge(
      'lane_peers',
      'Peers in a lane of a release, by whether they host a layer.',
      releases.flatMap(({ id, name, lanes }) =>
        lanes.flatMap(({ lane, providers, askers }): Sample[] => [
          [{ release: id, name, lane, role: 'provider' }, providers],
          [{ release: id, name, lane, role: 'asker' }, askers],
        ]),
      ),
    ),
    ...gauge(
      'lane_layers_lacking',
      'Layers that nobody in a lane hosts.',
      releases.flatMap(({ id, name, lanes }) =>
        lanes.map(({ lane, lacking }): Sample => [{ release: id, name, lane }, lacking]),
      ),
    ),
    ...gauge('layer_hosts', 'Peers that host a layer.', hosts),
  ]
}

function relayMetrics({ relay, gossip, ...snapshot }: SignalingSnapshot): string[] {
  const traffic = Object.entries(relay.traffic)
  return [
    ...gauge('connections', 'Open libp2p connections.', [
      [{ transport: 'websocket' }, relay.connections.websocket],
      [{ transport: 'tcp' }, relay.connections.tcp],
    ]),
    ...gauge(
      'servers',
      'Other servers of the swarm that were named, by whether they are connected.',
      [
        [{ state: 'connected' }, snapshot.servers.connected],
        [{ state: 'away' }, snapshot.servers.away],
      ],
    ),
    ...gauge('reservations', 'Relay reservations held.', [[{}, relay.reservations]]),
    ...counter('circuits_total', 'Relayed circuits asked for.', [
      [{ result: 'granted' }, relay.circuits.granted],
      [{ result: 'refused' }, relay.circuits.refused],
    ]),
    ...counter('relayed_bytes_total', 'Bytes through circuits, handshakes included.', [
      [{}, relayedBytes({ relay, gossip, ...snapshot })],
    ]),
    ...counter(
      'stream_bytes_total',
      'Bytes on libp2p streams.',
      traffic.flatMap(([protocol, { received, sent }]): Sample[] => [
        [{ protocol, direction: 'received' }, received],
        [{ protocol, direction: 'sent' }, sent],
      ]),
    ),
    ...counter(
      'streams_total',
      'libp2p streams opened.',
      traffic.map(([protocol, { streams }]): Sample => [{ protocol }, streams]),
    ),
    ...counter('gossip_messages_total', 'Gossip messages judged.', [
      [{ topic: 'presence', result: 'accepted' }, gossip.accepted],
      ...Object.entries(gossip.refused).map(
        ([result, count]): Sample => [{ topic: 'presence', result }, count],
      ),
    ]),
    ...counter('gossip_bytes_total', 'Bytes of the gossip messages judged.', [
      [{ topic: 'presence', result: 'accepted' }, gossip.acceptedBytes],
      [{ topic: 'presence', result: 'refused' }, gossip.refusedBytes],
    ]),
  ]
}

function httpMetrics({ http }: SignalingSnapshot): string[] {
  return counter(
    'http_requests_total',
    'HTTP answers.',
    http.map(({ route, status, requests }): Sample => [{ route, status }, requests]),
  )
}

function gauge(name: string, help: string, samples: readonly Sample[]): string[] {
  return metric('gauge', name, help, samples)
}

function counter(name: string, help: string, samples: readonly Sample[]): string[] {
  return metric('counter', name, help, samples)
}

function metric(type: string, name: string, help: string, samples: readonly Sample[]): string[] {
  const full = `layerswarm_${name}`
  return [
    `# HELP ${full} ${help}`,
    `# TYPE ${full} ${type}`,
    ...samples.map(([labels, value]) => `${full}${labelText(labels)} ${value}`),
  ]
}

function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(
    ([key, value]) => `${key}="${escapeLabel(String(value))}"`,
  )
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

function escapeLabel(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}
