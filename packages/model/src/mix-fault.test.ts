import { describe, expect, test } from 'vitest'
import { sha256 } from './hash.ts'
import { laneReleaseIn } from './lane-release.ts'
import { type Manifest, releaseId, signManifest } from './manifest.ts'
import { mixFault } from './mix-fault.ts'
import { parseModelSpec, partsOf } from './spec.ts'

const KEY = new Uint8Array(32).fill(1)
const nothing = sha256(new Uint8Array())
const shape = { imageSize: 8, patchSize: 4, channels: 1, width: 8, layers: 3, heads: 2 }
const spec = parseModelSpec({
  ...{ variant: 'shuffle', ...shape, mlpWidth: 16, classes: 2, layerNormEps: 1e-6 },
})

function release(given: Partial<Manifest> = {}, key = KEY): Manifest {
  const of = given.spec ?? spec
  return signManifest(
    {
      format: 'layerswarm-release/1',
      name: 'one',
      spec: of,
      preprocessing: { size: 8, channels: 1, mean: [0.5], std: [0.5], foreground: 'any' },
      labels: ['no', 'yes'],
      parts: partsOf(of).map((part) => ({ part, sha256: nothing, bytes: 1, dtype: 'float32' })),
      training: {
        ...{ recipe: nothing, seed: 1, images: 1, report: nothing },
        createdAt: '2026-11-24T08:00:00Z',
      },
      ...given,
    },
    key,
  )
}

const first = release()
const naming = (...others: readonly Manifest[]) => ({
  mixes: others.map((other) => ({
    release: releaseId(other),
    accuracy: 0.9,
    own: 0.9,
    other: 0.9,
  })),
})

test('a release may stand in for one that it names', () => {
  expect(mixFault(release({ name: 'next', ...naming(first) }), first)).toBeUndefined()
})

const wider = parseModelSpec({ ...spec, mlpWidth: 32 })
const sequential = release({ spec: parseModelSpec({ ...spec, variant: 'sequential' }) })
test.each([
  ['of another publisher', release(naming(first), new Uint8Array(32).fill(2)), first, 'publisher'],
  ['that names none', release({ name: 'next' }), first, 'does not name one'],
  ['that names another', release(naming(sequential)), first, 'does not name one'],
  ['of another shape', release({ ...naming(first), spec: wider }), first, 'another shape'],
  [
    'whose layers keep an order',
    release({ ...naming(sequential), spec: sequential.spec }),
    sequential,
    'keep an order',
  ],
  [
    'that prepares pictures otherwise',
    release({ ...naming(first), preprocessing: { ...first.preprocessing, mean: [0.4] } }),
    first,
    'otherwise',
  ],
  ['of other classes', release({ ...naming(first), labels: ['yes', 'no'] }), first, 'classes'],
])('one %s may not', (_, other, lane, fault) => {
  expect(mixFault(other, lane)).toContain(fault)
})

describe('the lanes of a release', () => {
  const second = release({ name: 'second', ...naming(first) })
  const third = release({ name: 'third', ...naming(second, first) })
  const apart = release({ name: 'apart', ...naming(second) })
  const all = new Map([first, second, third, apart].map((one) => [releaseId(one), one]))
  const laneOf = (one: Manifest, of = all) => laneReleaseIn(one, (id) => of.get(id))
  const short = (one: Manifest) => releaseId(one).slice(0, 12)

  test('are those of the first of its line, where it names that', () => {
    expect(laneOf(first)).toEqual({ id: releaseId(first), reasons: [] })
    expect(laneOf(second)).toEqual({ id: releaseId(first), reasons: [] })
    const reasons = [`second ${short(second)} is in the lanes of one that is not named`]
    expect(laneOf(third).id).toBe(releaseId(first))
    expect(laneOf(apart)).toEqual({ id: releaseId(apart), reasons })
  })

  test('are its own where what it names is not there, and then those of the next one', () => {
    const without = new Map([...all].filter(([id]) => id !== releaseId(first)))
    const reasons = [`${short(first)} cannot be had here`]
    expect(laneOf(second, without)).toEqual({ id: releaseId(second), reasons })
    expect(laneOf(third, without).id).toBe(releaseId(second))
    expect(laneOf(apart, without)).toEqual({ id: releaseId(second), reasons: [] })
  })
})
