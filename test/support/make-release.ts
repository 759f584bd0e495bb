import { createHash } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Finished, runCommand } from './run-command.ts'

export const vectors = fileURLToPath(new URL('../vectors', import.meta.url))

/** The result of a training whose model is the one of the vectors: 4 layers, 32 wide, random weights. */
export async function makeTraining(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  const model = await readFile(join(vectors, 'vit-shuffle', 'model.safetensors'))
  const report = {
    name: 'tiny-vit',
    spec: {
      variant: 'shuffle',
      imageSize: 28,
      patchSize: 7,
      channels: 1,
      width: 32,
      layers: 4,
      heads: 4,
      mlpWidth: 64,
      classes: 10,
      layerNormEps: 1e-12,
    },
    preprocessing: { mean: 0.286, std: 0.353 },
    dataset: { labels: Array.from({ length: 10 }, (_, id) => `class ${id}`) },
    seed: 7,
    imagesSeen: 1000,
    modelHash: createHash('sha256').update(model).digest('hex'),
  }
  await writeFile(join(folder, 'model.safetensors'), model)
  await writeFile(join(folder, 'recipe.json'), '{}')
  await writeFile(join(folder, 'report.json'), JSON.stringify(report))
}

/** A release is made as a person makes one: the result of a training, then `publish`. */
export async function makeRelease(scratch: string): Promise<{ folder: string; made: Finished }> {
  const training = join(scratch, 'training')
  const folder = join(scratch, 'release')
  await makeTraining(training)
  const key = join(scratch, 'keys', 'publisher.key')
  const made = await runCommand('publish', training, '--out', folder, '--key', key, '--json')
  return { folder, made }
}
