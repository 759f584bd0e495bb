import { parseSha256 } from '@layerswarm/model'
import { describe, expect, test } from 'vitest'
import type { DeviceFacts } from '../node/device.ts'
import { PEER_DEFAULTS } from '../options.ts'
import { chooseLayerFiles, type LayerFilesNeeds, layersHosted } from './layer-file-choice.ts'

const sha256 = parseSha256('3'.repeat(64))
const MB = 1_000_000
/** Layers of 28, 14 and 7 MB, as those of ViT-B are. */
const parts = (['stem', 0, 1] as const).map((part) => ({
  ...{ part, sha256, bytes: 28 * MB, dtype: 'float16' as const },
}))
const small = (dtype: 'int8' | 'int4', bytes: number, accuracy: number) => ({
  ...{ dtype, accuracy, own: 0.9, apart: 0.01 },
  files: [1, 2].map(() => ({ sha256, bytes })),
})
const INT8 = small('int8', 14 * MB, 0.899)
const INT4 = small('int4', 7 * MB, 0.897)
const ALL = { parts, layerFiles: [INT8, INT4] }

const DEVICE: DeviceFacts = {
  savesData: false,
  downloadBytesPerMs: undefined,
  memoryBytes: undefined,
  usualEngine: 'ort-node',
}
const NEEDS: LayerFilesNeeds = {
  ...{ wanted: 'auto', engine: 'auto', layers: 4, manifest: ALL, device: DEVICE },
}
/** So much a second. */
const perSecond = (megabytes: number) => ({ downloadBytesPerMs: (megabytes * MB) / 1000 })
const memory = (megabytes: number) => ({ memoryBytes: megabytes * MB })

describe('the files of layers that a device loads', () => {
  test.each<[string, DeviceFacts | Partial<DeviceFacts>, Partial<LayerFilesNeeds>, string]>([
    ['nothing is known', {}, {}, 'float16: nothing here asks for smaller ones'],
    ['data is saved', { savesData: true }, {}, 'int4: this connection is to save data'],
    ['quick enough', perSecond(12), {}, 'float16: nothing here asks for smaller ones'],
    ['slow', perSecond(6), {}, 'int8: 4 layers in float16 take too long to load'],
    ['slower', perSecond(3), {}, 'int4: 4 layers in float16 take too long to load'],
    ['too slow for all', perSecond(0.1), {}, 'int4: 4 layers in float16 take too long to load'],
    ['slow, one layer', perSecond(3), { layers: 1 }, 'float16: nothing here asks for smaller ones'],
    ['large', memory(8_000), {}, 'float16: nothing here asks for smaller ones'],
    ['small', memory(300), {}, 'int8: 4 layers in float16 are too large for this memory'],
    ['smaller', memory(120), {}, 'int4: 4 layers in float16 are too large for this memory'],
    [
      'small, but the engine widens them all',
      memory(120),
      { engine: 'ort-wasm' },
      'float16: nothing here asks for smaller ones',
    ],
    [
      'slow, and the engine widens them all',
      { ...perSecond(6), usualEngine: 'ort-wasm' },
      {},
      'int8: 4 layers in float16 take too long to load',
    ],
    ['a requester', { savesData: true }, { layers: 0 }, 'float16: no layers are hosted'],
    [
      'int4 loses too much',
      { savesData: true },
      { manifest: { parts, layerFiles: [INT8, { ...INT4, accuracy: 0.89 }] } },
      'int8: this connection is to save data',
    ],
    [
      'there is one kind',
      { savesData: true },
      { manifest: { parts } },
      'float16: the release has no others that lose as little',
    ],
    ['int4 is named', {}, { wanted: 'int4' }, 'int4: as told'],
    ['float16 is named', { savesData: true }, { wanted: 'float16' }, 'float16: as told'],
    ['float32 is named', {}, { wanted: 'float32' }, 'float16: the release has no float32'],
    [
      'int4 is named, and there is none',
      {},
      { wanted: 'int4', manifest: { parts, layerFiles: [INT8] } },
      'int8: the release has no int4',
    ],
  ])('%s', (_, device, given, expected) => {
    const needs = { ...NEEDS, ...given, device: { ...DEVICE, ...device } }
    const { dtype, reason } = chooseLayerFiles(needs)
    expect(`${dtype}: ${reason}`).toBe(expected)
  })

  test('are for as many layers as it hosts', () => {
    expect(layersHosted(PEER_DEFAULTS)).toBe(2)
    expect(layersHosted({ serve: 'none', capacity: 2 })).toBe(0)
    expect(layersHosted({ serve: [1, 2, 5], capacity: 2 })).toBe(3)
  })
})
