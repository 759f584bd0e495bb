import { isReleaseName } from '@layerswarm/model'
import { expect, test } from 'vitest'
import { checkedName, nameAfter } from './release-name.ts'

test('a name that a manifest would not take is refused, with what it takes', () => {
  expect(checkedName('vit-b_16.2')).toBe('vit-b_16.2')
  for (const name of ['Bad Name / x', '', '-x', 'a\n', 'x'.repeat(65)])
    expect(() => checkedName(name)).toThrow(/^--name takes 1 to 64 of a-z, 0-9, .*, not "/)
})

test('the name of a folder becomes one that a manifest takes', () => {
  expect(nameAfter('ViT Base (224)')).toBe('vit-base-224-')
  expect(nameAfter('ViT Base', '-merged')).toBe('vit-base-merged')
  expect(nameAfter('…')).toBe('imported')
  for (const text of ['x'.repeat(80), '__y', 'ü'])
    expect(isReleaseName(nameAfter(text, '-merged'))).toBe(true)
})
