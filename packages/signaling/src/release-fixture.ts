import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import {
  MANIFEST_FORMAT,
  type Manifest,
  type ModelSpec,
  manifestBytes,
  parseModelSpec,
  partsOf,
  randomModel,
  sha256,
  signManifest,
} from '@layerswarm/model'
import { partPath } from './releases.ts'

/** A model of two layers and a few kilobytes, which knows nothing. */
const TINY_SPEC: ModelSpec = parseModelSpec({
  variant: 'shuffle',
  imageSize: 8,
  patchSize: 4,
  channels: 1,
  width: 8,
  layers: 2,
  heads: 2,
  mlpWidth: 16,
  classes: 3,
  layerNormEps: 1e-6,
})

/** When a release was made, and the byte that fills its publisher's key; the seed unless given. */
interface Origin {
  readonly createdAt?: string
  readonly key?: number
}

/** Writes a signed release of random weights to a folder, for tests. Returns its manifest. */
export async function writeRelease(
  dir: string,
  name: string,
  seed = 1,
  { createdAt = '2026-11-23T20:21:00Z', key = seed }: Origin = {},
): Promise<Manifest> {
  const files = randomModel(TINY_SPEC, seed)
  const parts = partsOf(TINY_SPEC).map((part) => {
    const file = files.get(part) ?? new Uint8Array()
    return { part, sha256: sha256(file), bytes: file.length, dtype: 'float32' as const }
  })
  for (const file of files.values()) {
    const path = partPath(dir, sha256(file))
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, file)
  }
  const nothing = sha256(new Uint8Array())
  const manifest = signManifest(
    {
      format: MANIFEST_FORMAT,
      name,
      spec: TINY_SPEC,
      preprocessing: { size: 8, channels: 1, mean: [0.5], std: [0.5], foreground: 'light' },
      labels: ['none', 'one', 'many'],
      parts,
      training: {
        recipe: nothing,
        seed,
        images: 0,
        createdAt,
        report: nothing,
      },
    },
    new Uint8Array(32).fill(key),
  )
  await writeFile(join(dir, 'manifest.json'), manifestBytes(manifest))
  return manifest
}
