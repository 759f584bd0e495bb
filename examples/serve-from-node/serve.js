// Lends some of this machine's time to a running swarm until Ctrl+C.
//
//   node examples/serve-from-node/serve.js URL [LAYERS]
import { createPeer } from '@layerswarm/peer'

const [url = 'http://127.0.0.1:9000', layers = '2'] = process.argv.slice(2)

if (!/^[1-9]\d*$/.test(layers)) {
  console.error(`LAYERS must be a whole number from 1, not ${layers}`)
  process.exit(1)
}

const peer = createPeer({
  join: url,
  serve: 'auto', // whichever layers the swarm has fewest hosts of
  capacity: Number(layers),
  timeShare: 0.5, // after each run it rests as long as it ran
})

peer.on((event) => {
  if (event.type === 'layers-changed') console.log(`hosting layers ${event.hosted.join(', ')}`)
  if (event.type === 'hop-served')
    console.log(`ran layer ${event.layer} in ${event.ms.toFixed(1)} ms`)
})

// Leaving says goodbye, so that nobody waits for what this peer had claimed.
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) {
  process.once(signal, () => void peer.stop())
}

try {
  await peer.start()
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
  await peer.stop()
}
