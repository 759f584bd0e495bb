import { describe, expect, test } from 'vitest'
import readme from '../../README.md?raw'
import { layersComplaint, PAGE_DEFAULTS, parsePageOptions } from './page-options.ts'

describe('page options', () => {
  test('an empty query gives the defaults and no complaint', () => {
    expect(parsePageOptions('')).toEqual({ options: PAGE_DEFAULTS, complaints: [] })
  })

  test('every parameter is read', () => {
    const { options, complaints } = parsePageOptions(
      '?engine=ort-wasm&layers=5,2,5&capacity=3&autojoin=1',
    )
    expect(options).toEqual({ engine: 'ort-wasm', serve: [2, 5], capacity: 3, autojoin: true })
    expect(complaints).toEqual([])
  })

  test('the address in the README is understood', () => {
    const address = /http:\S+/.exec(readme)?.[0] ?? ''
    expect(parsePageOptions(new URL(address).search)).toEqual({
      options: { engine: 'ort-wasm', serve: [2, 5], capacity: undefined, autojoin: true },
      complaints: [],
    })
  })

  test('a capacity of zero asks for a requester only', () => {
    expect(parsePageOptions('?capacity=0').options.capacity).toBe(0)
  })

  test.each([
    '?layers=',
    '?layers=2,,5',
    '?layers=-1',
    '?layers=64',
    '?layers=two',
    '?capacity=1e3',
    '?capacity=65',
    '?engine=cuda',
    '?engine=ort-node',
    '?autojoin=yes',
  ])('%s is one complaint and the default stays', (query) => {
    const { options, complaints } = parsePageOptions(query)
    expect(options).toEqual(PAGE_DEFAULTS)
    expect(complaints).toHaveLength(1)
    expect(complaints[0]).toContain(query.slice(1).split('=')[0])
  })

  test('a complaint quotes a long value in part only', () => {
    const [complaint] = parsePageOptions(`?engine=${'x'.repeat(10_000)}`).complaints
    expect(complaint?.length).toBeLessThan(200)
  })

  test('a layer that the model does not have is named', () => {
    expect(layersComplaint([2, 9], 8)).toContain('layer 9')
    expect(layersComplaint([2, 7], 8)).toBeUndefined()
    expect(layersComplaint('auto', 8)).toBeUndefined()
  })
})
