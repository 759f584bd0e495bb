import { describe, expect, test } from 'vitest'
import { refusal } from './refusal-fixture.ts'
import { checkPlain } from './timm-plain.ts'

const shape = {
  ...{ imageSize: 224, patchSize: 16, channels: 3, width: 192, layers: 12, mlpWidth: 768 },
  classes: 1000,
}
const refused = (told: Record<string, unknown>) => refusal(() => checkPlain(told, shape))
const withArguments = (given: unknown) => ({
  architecture: 'vit_tiny_patch16_224',
  model_args: given,
})

describe('a plain ViT of timm', () => {
  test.each([
    'vit_tiny_patch16_224',
    'vit_base_patch16_224_in21k',
    'vit_base_patch32_384.augreg_in21k_ft_in1k',
    'vit_base_patch16_224_dino',
    'vit_giant_patch14_224',
    'deit_base_distilled_patch16_384',
    undefined,
  ])('may be called %s', (architecture) => {
    expect(() => checkPlain({ architecture }, shape)).not.toThrow()
  })

  test.each([
    ['vit_base_patch16_clip_quickgelu_224', 'clip'],
    ['vit_base_patch16_siglip_224', 'siglip'],
    ['vit_base_patch16_reg4_gap_256', 'reg4'],
    ['vit_huge_patch14_gap_224', 'gap'],
    ['vit_small_patch14_dinov2.lvd142m', 'dinov2'],
    ['vit_base_patch16_18x2_224', '18x2'],
    ['deit3_base_patch16_224', 'deit3'],
    ['eva02_base_patch14_224', 'eva02'],
  ])('is not called %s', (architecture, word) => {
    expect(refused({ architecture })).toMatch(
      new RegExp(`^config\\.json: "architecture" is "${architecture}"; "${word}" is no word of`),
    )
  })

  test('may name its shape, what training does, and what it has anyway', () => {
    const given = {
      ...{ img_size: [224, 224], patch_size: 16, embed_dim: 192, depth: 12, num_heads: 3 },
      ...{ num_classes: 1000, mlp_ratio: 4, in_chans: 3, drop_path_rate: 0.1, weight_init: 'skip' },
      ...{ class_token: true, global_pool: 'token', reg_tokens: 0, act_layer: 'gelu' },
      ...{ init_values: null, norm_layer: null, qkv_bias: true, fc_norm: false },
    }
    expect(() => checkPlain(withArguments(given), shape)).not.toThrow()
    expect(() => checkPlain(withArguments(null), shape)).not.toThrow()
  })

  test.each([
    ['act_layer', 'quickgelu', /is "quickgelu"; only "gelu" can be run/],
    ['class_token', false, /is false; only true can be run/],
    ['global_pool', 'avg', /is "avg"; only "token"/],
    ['norm_layer', 'rmsnorm', /is "rmsnorm"/],
    ['init_values', 1e-5, /is 0\.00001; only a model without it can be run/],
    ['reg_tokens', 4, /is 4; only 0/],
    ['pre_norm', true, /is true; only false/],
    ['qk_norm', true, /is true/],
    ['no_embed_class', true, /is true/],
    ['fc_norm', true, /is true/],
    ['block_fn', 'ParallelThingsBlock', /is not known, so its effect cannot be followed/],
    ['constructor', 1, /is not known/],
    ['embed_dim', 384, /is 384, the tensors of the checkpoint say 192/],
    ['depth', '12', /is "12", the tensors of the checkpoint say 12/],
    ['img_size', [224, 192], /is a list, the tensors of the checkpoint say 224/],
    ['img_size', [{ toString: 1 }, 224], /is a list, the tensors/],
    ['mlp_ratio', 2, /is 2, the tensors of the checkpoint say 4/],
  ])('is refused with the argument %s that does otherwise', (name, value, message) => {
    const line = refused(withArguments({ [name]: value }))
    expect(line).toMatch(message)
    expect(line).toContain(`config.json: "model_args.${name}" `)
  })

  test('is refused with arguments that are no object', () => {
    expect(refused(withArguments(['x']))).toBe('config.json: "model_args" is a list, not an object')
  })
})
