// What a signaling server keeps of peers that have left: joins and leaves with so many identities, each new,
// and prints the heap of the server's process after each thousand. Needs a build.
//
//   node packages/signaling/scripts/identity-memory.mjs [identities, 3000 unless given]
import { fork } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Identities that are there at once. */
const AT_ONCE = 20
/** What of a server is made at its first peers, and stays: measured from here on. */
const WARM_UP = 500
const LOOK_EVERY = 1_000
/** What is kept for a while is kept on purpose: gossip's numbers of messages for two minutes. */
const SETTLE_MS = 130_000

const root = fileURLToPath(new URL('../../..', import.meta.url))

if (process.argv[2] === 'server') await serve()
else await comeAndGo(Number(process.argv[2] ?? 3_000))

/** The server, in a process of its own, which says how much of its heap is in use when it is asked. */
async function serve() {
  const { createSignaling } = await import('@layerswarm/signaling')
  const server = createSignaling({ port: 0, modelDirs: [join(root, 'models/fashion-vit')] })
  process.on('message', (word) => {
    if (word === 'stop') {
      server.stop().then(() => process.exit())
      return
    }
    for (let i = 0; i < 4; i++) globalThis.gc()
    const { heapUsed, external, rss } = process.memoryUsage()
    process.send({ heap: heapUsed + external, rss })
  })
  process.on('disconnect', () => process.exit())
  const { url, peerId, releases } = await server.start()
  process.send({ url, peerId, release: releases[0].id })
}

async function comeAndGo(identities) {
  const server = fork(fileURLToPath(import.meta.url), ['server'], { execArgv: ['--expose-gc'] })
  const hear = () => new Promise((resolve) => server.once('message', resolve))
  const { url, peerId, release } = await hear()
  const place = `/ip4/127.0.0.1/tcp/${new URL(url).port}/ws/p2p/${peerId}`
  const measured = async () => {
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS))
    const heard = hear()
    server.send('heap')
    return heard
  }
  const visit = await visitor(place, release)
  let begin
  for (let done = 0; done < WARM_UP + identities; ) {
    await Promise.all(Array.from({ length: AT_ONCE }, visit))
    done += AT_ONCE
    if (done === WARM_UP) begin = await measured()
    const counted = done - WARM_UP
    if (counted > 0 && (counted % LOOK_EVERY === 0 || counted >= identities)) {
      const { heap, rss } = await measured()
      const grown = heap - begin.heap
      process.stdout.write(
        `${counted} identities: ${Math.round(grown / 1000)} kB, ${Math.round(grown / counted)} bytes each (of the process ${Math.round((rss - begin.rss) / counted)})\n`,
      )
    }
  }
  server.send('stop')
}

/** @returns what comes with a new identity, says that it is there, gets a reservation, and leaves. */
async function visitor(place, release) {
  const [
    { createLibp2p },
    { webSockets },
    { noise },
    { yamux },
    { identify },
    relay,
    gossip,
    { multiaddr },
    swarm,
    testing,
  ] = await Promise.all([
    import('libp2p'),
    import('@libp2p/websockets'),
    import('@libp2p/noise'),
    import('@libp2p/yamux'),
    import('@libp2p/identify'),
    import('@libp2p/circuit-relay-v2'),
    import('@libp2p/gossipsub'),
    import('@multiformats/multiaddr'),
    import('@layerswarm/swarm'),
    import('@layerswarm/swarm/testing'),
  ])
  globalThis.WebSocket ??= (await import('ws')).WebSocket
  Promise.withResolvers ??= () => {
    const made = {}
    made.promise = new Promise((resolve, reject) => Object.assign(made, { resolve, reject }))
    return made
  }
  const topic = swarm.presenceTopic(release, 0)
  return async () => {
    const node = await createLibp2p({
      addresses: { listen: ['/p2p-circuit'] },
      transports: [webSockets(), relay.circuitRelayTransport()],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()],
      connectionGater: { denyDialMultiaddr: () => false },
      services: {
        identify: identify(),
        pubsub: gossip.gossipsub({ allowPublishToZeroTopicPeers: true }),
      },
    })
    node.services.pubsub.subscribe(topic)
    // On a busy machine a handshake may take too long: who was not let in does not count much.
    await node.dial(multiaddr(place)).catch(() => undefined)
    for (let i = 0; i < 100 && node.getMultiaddrs().length === 0; i++) {
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    const presence = testing.anyPresence({ release, sequence: 1, layers: [1] })
    await node.services.pubsub.publish(topic, swarm.encodeMessage(presence))
    await new Promise((resolve) => setTimeout(resolve, 200))
    await node.stop()
  }
}
