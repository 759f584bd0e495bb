import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

/** sharp, which is a dependency of the command. */
function loadSharp() {
  const cli = fileURLToPath(new URL('../../apps/cli/package.json', import.meta.url))
  return createRequire(cli)('sharp')
}

/** A JPEG file of many bytes. */
export async function noisyJpeg(): Promise<Uint8Array> {
  const noise = { type: 'gaussian', mean: 128, sigma: 30 }
  return loadSharp()({
    create: { width: 200, height: 200, channels: 3, background: '#808080', noise },
  })
    .jpeg()
    .toBuffer()
}

/** Any picture, as a PNG file. */
export async function grayPng(): Promise<Uint8Array> {
  return loadSharp()({ create: { width: 40, height: 30, channels: 3, background: '#808080' } })
    .png()
    .toBuffer()
}
