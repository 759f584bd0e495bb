// Joins a running swarm, asks it what is on one picture, and leaves.
//
//   node examples/ask-from-node/ask.js URL [PICTURE]
import { argmax, grayTensor, imageTensor, parseIdx } from '@layerswarm/model'
import { createPeer } from '@layerswarm/peer'
import sharp from 'sharp'

const [url = 'http://127.0.0.1:9000', picture] = process.argv.slice(2)

// A peer that hosts nothing only asks. It computes the stem and the head itself; the layers between
// them run wherever somebody answers first.
const peer = createPeer({ join: url, serve: 'none' })

/** The first sample that the server offers, as the stem's input (1, channels, size, size). */
async function firstSample() {
  const response = await fetch(new URL('/samples/images.idx3-ubyte', url))
  if (!response.ok) throw new Error(`${url} has no samples: name a picture instead`)
  const { shape, data } = parseIdx(new Uint8Array(await response.arrayBuffer()))
  const [, height = 0, width = 0] = shape
  return grayTensor(data.subarray(0, height * width), peer.manifest.preprocessing)
}

/**
 * A picture file as the stem's input: fitted, turned to the model's colours, normalised.
 * @param {string} path
 */
async function readPicture(path) {
  // sharp says several lines of what a decoder thinks of a file; the person wants to know what to do.
  const { format } = await sharp(path)
    .metadata()
    .catch(() => ({ format: 'none' }))
  if (!['png', 'jpeg', 'webp'].includes(format)) {
    throw new Error(`${path} is no PNG, JPEG or WebP file that can be read: name another`)
  }
  const pixels = sharp(path).ensureAlpha().raw().toBuffer({ resolveWithObject: true })
  const { data, info } = await pixels.catch(() => {
    throw new Error(`${path} is cut off or damaged: name another picture`)
  })
  return imageTensor({ ...info, data }, peer.manifest.preprocessing)
}

try {
  // Fetches the release, checks its signature and hashes, and meets the others.
  await peer.start()
  const image = picture === undefined ? await firstSample() : await readPicture(picture)
  const { answer } = await peer.classify(image, { deadlineMs: 20_000 })
  const { probabilities, route, missingLayers } = await answer
  const [row = []] = probabilities // one row per image
  const best = argmax(row)
  console.log(`${peer.manifest.labels[best]}, ${(100 * (row[best] ?? 0)).toFixed(1)} %`)
  console.log(`layers in this order: ${route.map(({ layer }) => layer).join(', ')}`)
  if (missingLayers.length > 0) console.log(`nobody had layers ${missingLayers.join(', ')}`)
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
} finally {
  await peer.stop() // no timer, socket or worker is left, so the process ends
}
