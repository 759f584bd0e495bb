// A bare libp2p client of nobody's making, which knows the address of a server or a peer and all that is public
// of the protocols, and asks for everything there is: a connection, a place to be met at, the topics and the
// tensors. Prints what it got as JSON. With the file of a private swarm's key it knocks as a member. Needs a build.
//
//   node packages/peer/scripts/knock.mjs MULTIADDR [KEYFILE]
import '../dist/node/polyfill.node.js'
import { readFile } from 'node:fs/promises'
import { LANES_MAX, laneTopic, presenceTopic, swarmPrologue } from '@layerswarm/swarm'
import { circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { gossipsub } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { webSockets } from '@libp2p/websockets'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'

/** Protocols of peers, and what a server speaks. */
const PROTOCOLS = [
  '/layerswarm/tensor/1',
  '/layerswarm/push/1',
  '/layerswarm/tell/2',
  '/layerswarm/layer/1',
  '/webrtc-signaling/0.0.1',
  '/libp2p/circuit/relay/0.2.0/hop',
  '/meshsub/1.1.0',
  '/ipfs/id/1.0.0',
]
/** As long as presence takes to come by twice. */
const LISTEN_MS = 7_000

const [address, keyFile] = process.argv.slice(2)
const key = keyFile && (await readFile(keyFile, 'utf8')).trim()
const heard = []
const node = await createLibp2p({
  addresses: { listen: ['/p2p-circuit'] },
  transports: [tcp(), webSockets(), circuitRelayTransport()],
  connectionEncrypters: [noise({ prologueBytes: swarmPrologue(key) })],
  streamMuxers: [yamux()],
  connectionGater: { denyDialMultiaddr: () => false },
  services: { identify: identify(), pubsub: gossipsub({ allowPublishToZeroTopicPeers: true }) },
})
const { pubsub } = node.services
pubsub.addEventListener('message', ({ detail }) => heard.push(detail.topic))
const release = process.env.RELEASE ?? '0'.repeat(64)
for (let lane = 0; lane < Math.min(4, LANES_MAX); lane++) {
  pubsub.subscribe(laneTopic(release, lane))
  pubsub.subscribe(presenceTopic(release, lane))
}
const place = multiaddr(address)
const connection = await node.dial(place).catch(() => undefined)
let streams = 0
for (const protocol of PROTOCOLS)
  streams += await node.dialProtocol(place, protocol).then(
    () => 1,
    () => 0,
  )
await new Promise((resolve) => setTimeout(resolve, LISTEN_MS))
const got = {
  connections: connection === undefined ? 0 : 1,
  streams,
  neighbours: pubsub.getPeers().length,
  circuits: node.getMultiaddrs().length,
  messages: heard.length,
}
process.stdout.write(`${JSON.stringify(got)}\n`)
await node.stop()
process.exit()
