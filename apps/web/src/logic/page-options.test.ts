import { describe, expect, test } from 'vitest'
import readme from '../../README.md?raw'
import {
  layersComplaint,
  PAGE_DEFAULTS,
  parsePageOptions,
  serverComplaint,
} from './page-options.ts'

describe('page options', () => {
  test('an empty query gives the defaults and no complaint', () => {
    expect(parsePageOptions('')).toEqual({ options: PAGE_DEFAULTS, complaints: [] })
  })

  test('every parameter is read', () => {
    const { options, complaints } = parsePageOptions(
      '?engine=ort-wasm&layers=5,2,5&capacity=3&autojoin=1&join=https://swarm.example/below?x=1',
    )
    expect(options).toEqual({
      engine: 'ort-wasm',
      serve: [2, 5],
      capacity: 3,
      autojoin: true,
      join: new URL('https://swarm.example/below/'),
    })
    expect(complaints).toEqual([])
  })

  test('the address in the README is understood', () => {
    const address = /http:\S+/.exec(readme)?.[0] ?? ''
    expect(parsePageOptions(new URL(address).search)).toEqual({
      options: { ...PAGE_DEFAULTS, engine: 'ort-wasm', serve: [2, 5], autojoin: true },
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
    '?join=swarm.example',
    '?join=javascript:alert(1)',
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

  test('a page from https is told that it cannot join a server without', () => {
    const [secure, plain] = [new URL('https://a.example/'), new URL('http://b.example/')]
    expect(serverComplaint(secure, plain)).toContain('must begin with https')
    expect(serverComplaint(secure, secure)).toBeUndefined()
    expect(serverComplaint(plain, plain)).toBeUndefined()
  })

  test('a layer that the model does not have is named', () => {
    expect(layersComplaint([2, 9], 8)).toContain('layer 9')
    expect(layersComplaint([2, 7], 8)).toBeUndefined()
    expect(layersComplaint('auto', 8)).toBeUndefined()
  })
})
