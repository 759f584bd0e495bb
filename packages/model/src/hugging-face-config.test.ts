import { describe, expect, test } from 'vitest'
import { parseHuggingFaceConfig, parseHuggingFaceLabels } from './hugging-face-config.ts'

const config = {
  model_type: 'vit',
  hidden_size: 192,
  num_hidden_layers: 12,
  num_attention_heads: 3,
  intermediate_size: 768,
  hidden_act: 'gelu',
  layer_norm_eps: 1e-12,
  image_size: 224,
  patch_size: 16,
  num_channels: 3,
  qkv_bias: true,
  id2label: { 0: 'cat', 1: 'dog' },
}

/** Deeper than a recursion over it could go. */
function nested(depth: number): unknown {
  let value: unknown = []
  for (let i = 0; i < depth; i++) value = [value]
  return value
}

describe('a config.json of Hugging Face', () => {
  test('gives the spec and the labels', () => {
    expect(parseHuggingFaceConfig(config)).toEqual({
      variant: 'shuffle',
      imageSize: 224,
      patchSize: 16,
      channels: 3,
      width: 192,
      layers: 12,
      heads: 3,
      mlpWidth: 768,
      classes: 2,
      layerNormEps: 1e-12,
    })
    expect(parseHuggingFaceLabels(config)).toEqual(['cat', 'dog'])
    const position = { ...config, layershuffle_variant: 'position' }
    expect(parseHuggingFaceConfig(position).variant).toBe('position')
    const pairs = { ...config, image_size: [224, 224], patch_size: [16, 16] }
    expect(parseHuggingFaceConfig(pairs)).toEqual(parseHuggingFaceConfig(config))
  })

  test.each([
    [null, 'config.json: it is not an object'],
    [{ ...config, hidden_act: 'gelu_new' }, '"hidden_act" is "gelu_new"; only "gelu" can be run'],
    [{ ...config, hidden_act: nested(20_000) }, '"hidden_act" is of the type object; only'],
    [{ ...config, qkv_bias: false }, '"qkv_bias" must be true'],
    [{ ...config, hidden_size: undefined }, '"hidden_size" is missing'],
    [{ ...config, hidden_size: 193 }, '"num_attention_heads" is wrong'],
    [{ ...config, num_hidden_layers: '12' }, '"num_hidden_layers" is wrong'],
    [{ ...config, patch_size: 15 }, '"patch_size" is wrong'],
    [{ ...config, image_size: [224, 192] }, '"image_size" is 224 times 192; only models of square'],
    [{ ...config, image_size: [nested(20_000), 192] }, '"image_size" is of the type object times'],
    [{ ...config, image_size: [224] }, '"image_size" is wrong'],
    [{ ...config, hidden_size: [192, 192] }, '"hidden_size" is wrong'],
    [{ ...config, layershuffle_variant: 'spiral' }, '"layershuffle_variant" is wrong'],
    [{ ...config, id2label: undefined }, '"id2label" is missing'],
    [{ ...config, id2label: ['cat', 'dog'] }, '"id2label" is a list; it names the classes as {"0"'],
    [{ ...config, id2label: 'cat' }, '"id2label" is "cat"; it names'],
    [{ ...config, id2label: { 0: 'cat', 2: 'dog' } }, '"id2label" has no text for class 1'],
    [{ ...config, id2label: { 0: 'cat' } }, '"id2label" is wrong'],
    [{ ...config, id2label: { 0: 'cat', 1: '' } }, '"id2label" of class 1 must be a text of 1 to'],
    [{ ...config, id2label: { 0: 'a\nb', 1: 'b' } }, '"id2label" of class 0 holds a control'],
  ])('that is wrong is refused by the name of its field: %#', (wrong, message) => {
    expect(() => parseHuggingFaceConfig(wrong)).toThrow(message)
  })
})
