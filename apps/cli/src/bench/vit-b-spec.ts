import type { ModelSpec } from '@layerswarm/model'

/**
 * ViT-B/16 at 224 pixels with ImageNet's classes, 86.6 million parameters (arXiv 2010.11929, table 1), as such a
 * checkpoint is imported: it was never shuffled, so its layers keep their order.
 */
export const VIT_B_SPEC: ModelSpec = {
  variant: 'sequential',
  imageSize: 224,
  patchSize: 16,
  channels: 3,
  width: 768,
  layers: 12,
  heads: 12,
  mlpWidth: 3072,
  classes: 1_000,
  layerNormEps: 1e-6,
}
