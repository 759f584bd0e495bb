import {
  MANIFEST_FORMAT,
  type Manifest,
  type Novelty,
  parseModelSpec,
  partsOf,
  sha256,
  signManifest,
} from '@layerswarm/model'

const spec = parseModelSpec({
  variant: 'shuffle',
  imageSize: 4,
  patchSize: 2,
  channels: 1,
  width: 4,
  layers: 2,
  heads: 1,
  mlpWidth: 4,
  classes: 2,
  layerNormEps: 1e-6,
})

/** A signed manifest of a tiny model, for tests. */
export function testManifest(name: string, novelty?: Novelty): Manifest {
  const digest = sha256(new Uint8Array())
  return signManifest(
    {
      format: MANIFEST_FORMAT,
      name,
      spec,
      preprocessing: { size: 4, channels: 1, mean: [0.5], std: [0.5], foreground: 'any' },
      labels: ['cat', 'dog'],
      parts: partsOf(spec).map((part) => ({ part, sha256: digest, bytes: 1, dtype: 'float32' })),
      training: {
        recipe: digest,
        seed: 1,
        images: 0,
        createdAt: '2026-11-23T20:21:00Z',
        report: digest,
      },
      ...(novelty === undefined ? {} : { novelty }),
    },
    new Uint8Array(32).fill(1),
  )
}
