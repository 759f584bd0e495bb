import type { EncodedActivation } from '@layerswarm/model'
import { expect, test } from 'vitest'
import type { Effect } from '../effects.ts'
import { Jobs } from '../jobs.ts'
import { anyStep, heldTensor } from '../testing/any-step.ts'
import type { PeerId } from '../wire/messages.ts'
import { Audit } from './audit.ts'
import { OWN_LAYERS_MAX, OWN_TENSOR_BYTES_MAX } from './limits.ts'
import { OwnRuns } from './own-runs.ts'

const [liar, honest] = ['liar', 'honest'] as [PeerId, PeerId]
const tensor = (value: number): EncodedActivation => ({
  dtype: 'int8',
  shape: [1, 1, 1],
  bytes: Uint8Array.of(value),
})
const held = (value: number) => heldTensor(liar, `${value}`.padStart(64, '0'))
const judging = {
  agree: (a: EncodedActivation, b: EncodedActivation) => a.bytes[0] === b.bytes[0],
  isPlausible: () => true,
  hasOneFile: true,
}

/** The liar says that its layers came to 90, somebody else says 70. */
function disputed(layers: readonly number[], input = tensor(50)) {
  const stretch = {
    before: anyStep(),
    after: anyStep({ activation: held(90) }),
    peers: [liar],
    layers,
  }
  const audit = new Audit(stretch, judging, false, 0)
  audit.add([honest], held(70), tensor(70))
  audit.outputCame(tensor(90))
  audit.input = input
  return audit
}

function own(hosted: readonly number[] = []) {
  return new OwnRuns(new Set(hosted), new Jobs().of('audit'))
}

/** The only run among these. */
function run(effects: readonly Effect[]) {
  const [effect] = effects
  if (effects.length !== 1 || effect?.do !== 'run-layer') throw new Error('no run')
  return effect
}

const ran = (value: number) => ({ activation: tensor(value), ms: 1 })

test('a disputed stretch is run layer by layer, each loaded first, and who came to the same is right', () => {
  const runs = own()
  const audit = disputed([3, 1])
  expect(runs.takes(audit)).toBe(true)
  expect(runs.begin(audit, tensor(50))).toEqual([{ do: 'host-layer', layer: 3 }])
  expect([runs.takes(audit), audit.isRunning]).toEqual([false, true])
  const first = run(runs.on({ on: 'layer-hosted', layer: 3, failure: undefined }))
  expect([first.layer, first.input]).toEqual([3, tensor(50)])
  expect(runs.on({ on: 'layer-run', job: first.job, outcome: ran(60) })).toEqual([
    { do: 'host-layer', layer: 1 },
  ])
  const second = run(runs.on({ on: 'layer-hosted', layer: 1, failure: undefined }))
  expect([second.layer, second.input]).toEqual([1, tensor(60)])
  expect(runs.on({ on: 'layer-run', job: second.job, outcome: ran(70) })).toEqual([])
  expect(runs.takeEnds()).toEqual([{ audit, verdict: { right: [[honest]], wrong: [[liar]] } }])
  expect([runs.takeEnds(), audit.isRunning]).toEqual([[], false])
})

test('what is here is not loaded again, and the next waits for its turn', () => {
  const runs = own([2])
  const [one, other] = [disputed([2]), disputed([2])]
  const first = run(runs.begin(one, tensor(50)))
  expect(runs.begin(other, tensor(50))).toEqual([])
  const second = run(runs.on({ on: 'layer-run', job: first.job, outcome: ran(70) }))
  expect(runs.on({ on: 'layer-run', job: first.job, outcome: ran(70) })).toEqual([])
  runs.on({ on: 'layer-run', job: second.job, outcome: ran(90) })
  expect(runs.takeEnds().map(({ audit, verdict }) => [audit === one, verdict?.right])).toEqual([
    [true, [[honest]]],
    [false, [[liar]]],
  ])
})

test('an engine that comes to what nobody else has come to yet decides nothing', () => {
  const runs = own([2])
  const alone = () => {
    const { job } = run(runs.begin(disputed([2]), tensor(50)))
    runs.on({ on: 'layer-run', job, outcome: ran(1) })
    return runs.takeEnds()[0]?.verdict
  }
  expect(alone()).toBeUndefined()
  const { job } = run(runs.begin(disputed([2]), tensor(50)))
  runs.on({ on: 'layer-run', job, outcome: ran(70) })
  runs.takeEnds()
  expect(alone()).toEqual({ right: [], wrong: [[liar], [honest]] })
})

test('a layer that cannot be loaded, or does not run, decides nothing and holds nobody up', () => {
  const runs = own()
  const [one, other] = [disputed([0]), disputed([1])]
  runs.begin(one, tensor(50))
  runs.begin(other, tensor(50))
  expect(runs.on({ on: 'layer-hosted', layer: 0, failure: 'not found' })).toEqual([
    { do: 'host-layer', layer: 1 },
  ])
  const { job } = run(runs.on({ on: 'layer-hosted', layer: 1, failure: undefined }))
  expect(runs.on({ on: 'layer-run', job, outcome: { failure: 'the device was lost' } })).toEqual([])
  expect(runs.takeEnds()).toEqual([
    { audit: one, verdict: undefined },
    { audit: other, verdict: undefined },
  ])
  expect(runs.begin(disputed([1]), tensor(50))).toEqual([{ do: 'host-layer', layer: 1 }])
})

test('what nobody waits for any more is not run, and what comes late is let go', () => {
  const runs = own()
  const [one, other] = [disputed([0]), disputed([1])]
  runs.begin(one, tensor(50))
  runs.begin(other, tensor(50))
  expect(runs.drop(one)).toEqual([])
  expect(runs.on({ on: 'layer-hosted', layer: 0, failure: undefined })).toEqual([
    { do: 'host-layer', layer: 1 },
  ])
  expect([runs.drop(other), runs.drop(other)]).toEqual([[], []])
  expect(runs.on({ on: 'layer-hosted', layer: 7, failure: undefined })).toEqual([
    { do: 'drop-layer', layer: 7 },
  ])
})

test('no more layers stay than are allowed, the oldest goes, and what is hosted for others never does', () => {
  const runs = own([100])
  const settle = (layer: number) => {
    const effects = runs.begin(disputed([layer]), tensor(50))
    const began = effects.some((effect) => effect.do === 'host-layer')
      ? runs.on({ on: 'layer-hosted', layer, failure: undefined })
      : effects
    runs.on({ on: 'layer-run', job: run(began).job, outcome: ran(70) })
    return effects
  }
  settle(100)
  for (let layer = 0; layer < OWN_LAYERS_MAX; layer++)
    expect(settle(layer)).toEqual([{ do: 'host-layer', layer }])
  settle(0)
  expect(settle(50)).toEqual([
    { do: 'drop-layer', layer: 1 },
    { do: 'host-layer', layer: 50 },
  ])
})

test('nothing is run here whose input is not here or whose tensors are large, and nothing twice', () => {
  const runs = own()
  const large = { ...tensor(50), bytes: new Uint8Array(OWN_TENSOR_BYTES_MAX + 1) }
  const long = Array.from({ length: OWN_LAYERS_MAX + 1 }, (_, layer) => layer)
  const unknown = disputed([0])
  unknown.input = undefined
  expect([
    runs.takes(disputed([0], large)),
    runs.takes(disputed(long)),
    runs.takes(unknown),
  ]).toEqual([false, false, false])
})
