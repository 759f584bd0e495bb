// Draws a shirt and asks a swarm what it is.
import { createPeer } from '@layerswarm/peer'

const canvas = /** @type {HTMLCanvasElement} */ (document.querySelector('canvas'))
const output = /** @type {HTMLOutputElement} */ (document.querySelector('output'))

const pen = canvas.getContext('2d')
if (pen !== null) {
  pen.fillRect(0, 0, 28, 28)
  pen.fillStyle = 'white'
  pen.fillRect(9, 4, 10, 20)
  pen.fillRect(3, 4, 22, 6)
}

const peer = createPeer({ join: 'http://127.0.0.1:9000', serve: 'none' })
try {
  await peer.start()
  const { label, confidence } = await peer.classifyImage(canvas)
  output.textContent = `${label}, ${(100 * confidence).toFixed(1)} %`
} catch (error) {
  output.textContent = error instanceof Error ? error.message : String(error)
}
