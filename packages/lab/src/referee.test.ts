import {
  type Answer,
  createGate,
  type Hop,
  type PeerId,
  type RequestId,
  type Step,
} from '@layerswarm/swarm'
import { anyPresence, symbolicStem } from '@layerswarm/swarm/testing'
import { describe, expect, test } from 'vitest'
import { LabStation } from './network/lane.ts'
import { Referee } from './referee.ts'
import type { Session } from './scenarios/population.ts'

const request = 'a'.repeat(32) as RequestId
const peer = 'p1' as PeerId
const station = new LabStation({ index: 1, peer } as Session, true, createGate())
const CHECKED = new Set([0, 1, 2])

function hop(layer: number, who = peer): Hop {
  return { layer, peer: who, backend: 'ort-wasm', ms: 1 }
}

/** A step whose activation went through the layers that it names. */
function step(route: readonly Hop[], computed = route.map(({ layer }) => layer)): Step {
  const bytes = symbolicStem(160, 0)
  bytes[0] = computed.length
  bytes.set(computed, 6)
  return {
    kind: 'step',
    input: undefined,
    next: undefined,
    silent: [],
    barred: [],
    isPrivate: false,
    request,
    requester: 'asker' as PeerId,
    endsAtMs: 20_000,
    chain: [],
    era: 0,
    route,
    plan: [],
    remainingMs: 1,
    activation: { place: 'inline', dtype: 'float16', batch: 1, tokens: 5, width: 16, bytes },
  }
}

function answer(layers: readonly number[], missing: readonly number[] = []): Answer {
  const route = layers.map((layer) => hop(layer))
  return {
    request,
    logits: [],
    probabilities: [],
    route,
    rounds: [],
    missingLayers: missing,
    checked: { layers: [], doubted: [] },
    totalMs: 1,
  }
}

function watching(): Referee {
  const referee = new Referee(true)
  referee.asked(request, 1_000)
  return referee
}

const broken = ({ violations }: Referee) => violations.map(({ invariant }) => invariant)

describe('the referee', () => {
  test('has nothing to say about a request that goes well', () => {
    const referee = watching()
    referee.published(station, step([hop(0)]), CHECKED, 10)
    referee.published(station, step([hop(0), hop(1)]), CHECKED, 20)
    referee.answered(answer([0, 1], [2]), [0, 1], 30)
    referee.finish(40)
    expect(referee.violations).toEqual([])
    expect(referee.checks).toBeGreaterThan(8)
  })

  test('sees a layer applied twice', () => {
    const referee = watching()
    referee.published(station, step([hop(0)]), CHECKED, 10)
    referee.published(station, step([hop(0), hop(0)]), CHECKED, 20)
    expect(broken(referee)).toContain('layer-once')
    const other = watching()
    other.answered(answer([0, 1], [1]), [0, 1], 30)
    expect(broken(other)).toEqual(['layer-once'])
  })

  test('sees a step that follows nothing', () => {
    const referee = watching()
    referee.published(station, step([hop(0, 'p9' as PeerId), hop(1)]), CHECKED, 10)
    expect(broken(referee)).toEqual(['set-grows'])
  })

  test('sees an activation and an answer that are not what they are said to be', () => {
    const referee = watching()
    referee.published(station, step([hop(0)], [1]), CHECKED, 10)
    referee.answered(answer([0]), [1], 30)
    expect(broken(referee)).toEqual(['true-answer', 'true-answer'])
  })

  test('sees a second outcome, a late one and a missing one', () => {
    const twice = watching()
    twice.answered(answer([0]), [0], 30)
    twice.failed(request, 40)
    const late = watching()
    late.failed(request, 1_100)
    const never = watching()
    never.finish(5_000)
    for (const referee of [twice, late, never]) expect(broken(referee)).toEqual(['one-outcome'])
  })

  test('sees layers announced before their hash was checked', () => {
    const referee = watching()
    const presence = anyPresence({ release: '', layers: [2, 3], backend: 'ort-wasm' })
    referee.published(station, presence, CHECKED, 10)
    expect(broken(referee)).toEqual(['checked-weights'])
  })

  test('sees what is left behind, and talk without end', () => {
    const referee = watching()
    referee.stopped(station, 1, 0, 10)
    station.tensors.set('x' as never, new Uint8Array(1))
    referee.holdsNothing(station, 0, 20)
    for (let i = 0; i < 1_100; i++)
      referee.published(station, { kind: 'done', request, isPublic: true }, CHECKED, 30)
    expect(broken(referee)).toEqual(['clean-stop', 'bounded-memory', 'bounded-talk'])
  })
})
