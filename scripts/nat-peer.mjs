// A volunteer of scripts/nat.sh: hosts some layers, listens on nothing, and has one picture after the other
// answered with the other one's help. Prints how the two met.
//
//   node scripts/nat-peer.mjs URL LAYERS
import { setTimeout as pause } from 'node:timers/promises'
import { createPeer } from '@layerswarm/peer'
import { RTCPeerConnection } from 'node-datachannel/polyfill'

const [join, layers] = process.argv.slice(2)
const PICTURES = 20
const MEET_MS_MAX = 60_000

/** Every connection that is made, to ask how it came about. */
const connections = []
const { setRemoteDescription } = RTCPeerConnection.prototype
RTCPeerConnection.prototype.setRemoteDescription = function remembered(description) {
  connections.push(this)
  return setRemoteDescription.call(this, description)
}

const peer = createPeer({ join, host: undefined, serve: layers.split(',').map(Number) })
const startedMs = performance.now()
await peer.start()
const other = () => peer.snapshot().peers.find(({ connection }) => connection === 'direct')
while (other() === undefined && performance.now() - startedMs < MEET_MS_MAX) await pause(50)
if (other() === undefined) {
  console.log(`did not meet within ${MEET_MS_MAX / 1_000} s`)
  await peer.stop()
  process.exit(1)
}
const seconds = ((performance.now() - startedMs) / 1_000).toFixed(1)
console.log(`met over ${other()?.transport} ${seconds} s after it was started`)
for (const connection of connections) {
  const pair = connection.connectionState === 'connected' && connection.selectedCandidatePair()
  if (pair) console.log(`candidates: ${pair.local.type} here, ${pair.remote.type} there`)
}
while (peer.snapshot().coverage.some((hosts) => hosts === 0)) await pause(50)
const { spec } = peer.manifest
const picture = {
  shape: [1, spec.channels, spec.imageSize, spec.imageSize],
  data: new Float32Array(spec.channels * spec.imageSize ** 2),
}
const times = []
let whole = 0
for (let index = 0; index < PICTURES; index++) {
  const askedMs = performance.now()
  const { answer } = await peer.classify(picture)
  const { missingLayers, route } = await answer
  times.push(performance.now() - askedMs)
  if (missingLayers.length === 0 && new Set(route.map((hop) => hop.peer)).size === 2) whole++
}
times.sort((a, b) => a - b)
const { tensorsOverRelay } = peer.snapshot().bytes
console.log(
  `${whole} of ${PICTURES} answered with hops on both, median ${times[PICTURES / 2].toFixed(0)} ms, ${tensorsOverRelay} bytes of tensors over the relay`,
)
// The other one may not be done.
await pause(20_000)
await peer.stop()
process.exit(0)
