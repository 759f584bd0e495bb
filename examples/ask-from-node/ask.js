// Joins a running swarm, asks it what is on one picture, and leaves.
//
//   node examples/ask-from-node/ask.js URL [PICTURE]
import { parseIdx } from '@layerswarm/model'
import { createPeer } from '@layerswarm/peer'

const [url = 'http://127.0.0.1:9000', picture] = process.argv.slice(2)

// A peer that hosts nothing only asks. It computes the stem and the head itself; the layers between
// them run wherever somebody answers first.
const peer = createPeer({ join: url, serve: 'none' })

/** The first sample that the server offers, as pixels: red, green, blue and alpha of each. */
async function firstSample() {
  // Below the swarm's own folder, which need not be the root of its host.
  const response = await fetch(`${url.replace(/\/*$/, '')}/samples/images.idx3-ubyte`)
  if (!response.ok) throw new Error(`${url} has no samples: name a picture instead`)
  const { shape, data } = parseIdx(new Uint8Array(await response.arrayBuffer()))
  const [, height = 0, width = 0] = shape
  const grays = [...data.subarray(0, height * width)]
  return { width, height, data: Uint8Array.from(grays.flatMap((gray) => [gray, gray, gray, 255])) }
}

try {
  // Fetches the release, checks its signature and hashes, and meets the others.
  await peer.start()
  // A path, an address, a Blob or pixels: the peer makes of it what the model was trained on.
  const source = picture ?? (await firstSample())
  const answer = await peer.classifyImage(source, { deadlineMs: 20_000 })
  const { label, confidence, route, missingLayers } = answer
  console.log(`${label}, ${(100 * confidence).toFixed(1)} %`)
  console.log(`layers in this order: ${route.map(({ layer }) => layer).join(', ')}`)
  if (missingLayers.length > 0) console.log(`nobody had layers ${missingLayers.join(', ')}`)
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
} finally {
  await peer.stop() // no timer, socket or worker is left, so the process ends
}
