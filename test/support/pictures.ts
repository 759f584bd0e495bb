import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

/** Any picture, as a PNG file; sharp is a dependency of the command. */
export async function grayPng(): Promise<Uint8Array> {
  const cli = fileURLToPath(new URL('../../apps/cli/package.json', import.meta.url))
  const sharp = createRequire(cli)('sharp')
  return sharp({ create: { width: 40, height: 30, channels: 3, background: '#808080' } })
    .png()
    .toBuffer()
}
