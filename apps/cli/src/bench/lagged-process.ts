import { ENGINE_NAMES } from '@layerswarm/model'
import { createPeer, type Peer } from '@layerswarm/peer'
import { POLICY_USUAL, policyNamed } from '../line/policy-option.ts'
import { type ProcessReport, parseOrder } from './lagged-orders.ts'
import { createLaggedTransport } from './lagged-transport.ts'
import { LAGGED_STARTS_MAX } from './limits.ts'

// Volunteers that believe to be far away. The words are where to join, what to serve, how many layers
// each, how many they are, by which policy and on which engine; by its IPC channel the process is told how far, says how
// they are getting on, and ends with whoever started it.
const [join = '', release = '', capacity = '', count = '', policy = '', engine = ''] =
  process.argv.slice(2)
let oneWayMs = 0
const peers = Array.from({ length: Number(count) }, () =>
  createPeer({
    join,
    release,
    capacity: Number(capacity),
    engine: ENGINE_NAMES.find((name) => name === engine) ?? 'auto',
    webrtc: false,
    policy: policyNamed(policy) ?? POLICY_USUAL,
    wrapTransport: (transport, clock) => createLaggedTransport(transport, clock, () => oneWayMs),
  }),
)

process.on('message', (message) => {
  const order = parseOrder(message)
  if (order === undefined) return
  if (order.lagMs !== undefined) oneWayMs = order.lagMs
  const all = peers.map((peer) => peer.snapshot())
  const report: ProcessReport = {
    sentBytes: all.reduce((sum, { bytes }) => sum + bytes.gossipOut + bytes.tensorsOut, 0),
    hosted: all.map(({ hostedLayers }) => hostedLayers.toSorted((a, b) => a - b)),
  }
  process.send?.(report)
})
process.once('disconnect', () => {
  const gone = () => process.exit(0)
  Promise.all(peers.map((peer) => peer.stop())).then(gone, gone)
})
// One after the other: they share a processor, and a newcomer looks for layers that are rare.
for (const peer of peers) await joined(peer)

/** Dozens that start at once keep each other from answering in time: a busy machine is measured, not failed. */
async function joined(peer: Peer): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await peer.start()
    } catch (error) {
      if (attempt >= LAGGED_STARTS_MAX || !process.connected) throw error
    }
  }
}
