import type { PeerId, RequestId, Step } from '@layerswarm/swarm'
import { describe, expect, test } from 'vitest'
import { OnlyCopyCrashes, onlyCopyOf } from './only-copy.ts'
import type { RequestRecord } from './request-record.ts'
import { simulate } from './simulate.ts'

const LAYERS = 4
const HOP = { layer: 0, peer: 'p1' as PeerId, backend: 'ort-wasm', ms: 1 } as const

function record(index: number, ms: number | undefined = undefined, lostCopy = false) {
  return { index, atMs: 0, endMs: ms, outcome: ms && 'answered', lostCopy } as RequestRecord
}

function step(request: RequestId, layers: number, place: 'held' | 'inline' = 'held'): Step {
  const route = Array.from({ length: layers }, () => HOP)
  return { kind: 'step', request, route, activation: { place } } as unknown as Step
}

describe('crashes of the only copy', () => {
  test('hit every n-th request once, at a layer that is drawn', () => {
    const crashes = new OnlyCopyCrashes(3, LAYERS, 1)
    const hitAt: number[] = []
    for (let index = 0; index < 300; index++) {
      const one = record(index)
      const request = `${index}` as RequestId
      crashes.watch(request, one)
      for (let layers = 0; layers <= LAYERS; layers++)
        if (crashes.strikes(step(request, layers))) hitAt.push(layers)
      expect(one.lostCopy).toBe(index % 3 === 2)
    }
    expect(hitAt).toHaveLength(100)
    expect(new Set(hitAt)).toEqual(new Set([1, 2, 3, 4]))
  })

  test('spare a tensor that everybody heard with its step, and everything when there are none', () => {
    const inline = new OnlyCopyCrashes(1, LAYERS, 1)
    inline.watch('a' as RequestId, record(0))
    expect(inline.strikes(step('a' as RequestId, LAYERS, 'inline'))).toBe(false)
    const none = new OnlyCopyCrashes(0, LAYERS, 1)
    none.watch('a' as RequestId, record(0))
    expect(none.strikes(step('a' as RequestId, LAYERS))).toBe(false)
  })

  test('cost what their requests took longer than the others, at the median and at the 90th percentile', () => {
    const records = [
      ...[100, 200, 300].map((ms, index) => record(index, ms)),
      ...[500, 900].map((ms, index) => record(3 + index, ms, true)),
      record(5, undefined, true),
    ]
    expect(onlyCopyOf(records)).toEqual({
      crashes: 3,
      answeredShare: 2 / 3,
      extraP50Ms: 300,
      extraP90Ms: 600,
    })
    expect(onlyCopyOf(records.slice(0, 3))).toBeNull()
  })

  test('in a small world every tenth request loses a tensor, is answered, and the swarm keeps its size', () => {
    const { policies, broken } = simulate('only-copy', {
      peers: 16,
      requests: 60,
      seed: 2,
      policy: 'any-order',
    })
    const one = policies['any-order']
    expect(one?.onlyCopy).toMatchObject({ crashes: 6, answeredShare: 1 })
    expect(one?.onlyCopy?.extraP50Ms).toBeGreaterThan(0)
    expect(one?.timeline.at(-1)?.peers).toBeGreaterThanOrEqual(15)
    expect(broken).toBe(0)
  })
})
