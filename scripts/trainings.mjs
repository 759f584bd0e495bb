// What the scripts that train by the layerswarm command share.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const command = fileURLToPath(new URL('../apps/cli/bin/layerswarm.js', import.meta.url))

/** Whether a training in this folder has come to its end. */
export const isTrained = (folder) => existsSync(join(folder, 'report.json'))

/** The words of a training by a recipe, on one thread; one that was interrupted goes on where it was. */
export function trainingWords(recipe, folder, more = []) {
  const going = existsSync(join(folder, 'checkpoint.safetensors')) ? ['--resume'] : []
  return ['train', recipe, '--out', folder, '--threads', '1', ...more, ...going]
}

/**
 * Starts the layerswarm command.
 * @param stderr as of `spawn`: where its lines go.
 * @returns the process, and a promise of its end that fails with any status but 0.
 */
export function startLayerswarm(words, stderr) {
  const child = spawn(process.execPath, [command, ...words], {
    stdio: ['ignore', 'inherit', stderr],
  })
  const ended = new Promise((resolve, reject) => {
    child.on('close', (code) => {
      if (code === 0) resolve()
      else reject(new Error(`layerswarm ${words.join(' ')} ended with ${code}`))
    })
  })
  return { child, ended }
}
