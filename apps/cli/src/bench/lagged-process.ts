import { createPeer } from '@layerswarm/peer'
import { type ProcessReport, parseOrder } from './lagged-orders.ts'
import { createLaggedTransport } from './lagged-transport.ts'

// A volunteer that believes to be far away. The words are where to join, what to serve and how many
// layers; by its IPC channel it is told how far, says what it sent, and ends with whoever started it.
const [join = '', release = '', capacity = ''] = process.argv.slice(2)
let oneWayMs = 0
const peer = createPeer({
  join,
  release,
  capacity: Number(capacity),
  engine: 'ort-node',
  wrapTransport: (transport, clock) => createLaggedTransport(transport, clock, () => oneWayMs),
})

process.on('message', (message) => {
  const order = parseOrder(message)
  if (order === undefined) return
  if (order.lagMs !== undefined) oneWayMs = order.lagMs
  const { bytes } = peer.snapshot()
  const report: ProcessReport = { sentBytes: bytes.gossipOut + bytes.tensorsOut }
  process.send?.(report)
})
process.once('disconnect', () => {
  const gone = () => process.exit(0)
  peer.stop().then(gone, gone)
})
await peer.start()
