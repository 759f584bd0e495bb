// Peers in a process of their own, until the process that started it is gone; says by its IPC channel how they are.
//
//   node scripts/faults/peers.mjs OPTIONS-AS-JSON COUNT
import { createPeer } from '@layerswarm/peer'
import { joinPatiently } from './processes.mjs'

const [options, count] = process.argv.slice(2)
const peers = Array.from({ length: Number(count) }, () => createPeer(JSON.parse(options)))

process.on('message', ({ id }) => {
  const all = peers.map((peer) => peer.snapshot())
  globalThis.gc?.()
  const { heapUsed, external } = process.memoryUsage()
  process.send({
    id,
    hosting: all.filter(({ hostedLayers }) => hostedLayers.length > 0).length,
    ids: all.map(({ peerId }) => peerId),
    servers: all.map(({ servers }) => servers),
    served: all.reduce((sum, { served }) => sum + served, 0),
    heapMB: (heapUsed + external) / 1e6,
    handles: process.getActiveResourcesInfo().length,
  })
})
process.once('disconnect', () => process.exit(0))

// One after the other: they share a processor, and a newcomer looks for layers that are rare.
for (const peer of peers)
  await joinPatiently(
    () => peer.start(),
    () => process.connected,
  )
