import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const script = fileURLToPath(new URL('../scripts/build.mjs', import.meta.url))

/**
 * What is built must be of today's sources: these tests start the command and the page, which are.
 * `npm test` has built already, and two builds at once would read each other's half.
 */
export default function buildFirst(): void {
  if (process.env.LAYERSWARM_IS_BUILT === '1') return
  const { status } = spawnSync(process.execPath, [script], { stdio: 'inherit' })
  if (status !== 0) throw new Error('the build failed, for the reason above')
}
