import { describe, expect, test } from 'vitest'
import { SILENT_CLAIM_MS } from '../limits.ts'
import { stepAfter } from '../testing/any-step.ts'
import type { PeerId } from '../wire/messages.ts'
import { Flight } from './flight.ts'
import { AT_WORK_MS, OVERDUE_FACTOR, RENEWAL_MS_MAX, RENEWAL_SHARE } from './limits.ts'
import { Visit } from './visit.ts'

const requester = 'requester' as PeerId
const first = 'first' as PeerId
const tensor = { dtype: 'float16' as const, shape: [1, 5, 8] as const, bytes: new Uint8Array(80) }

function visit(layers: readonly number[]) {
  const flight = new Flight(stepAfter([first], { requester }), 0)
  const id = { owner: 'provider' as const, number: 1 }
  return { flight, visit: new Visit({ id, flight, layers, isReached: true }) }
}

describe('a visit', () => {
  test('runs its layers in their order, each as a hop of its own, and then makes the result ready', () => {
    const one = visit([3, 1]).visit
    expect(one.next(tensor)).toMatchObject({ do: 'run-layer', layer: 3, hop: 1, input: tensor })
    expect(one.ran(7)).toBe(1)
    expect(one.next(tensor)).toMatchObject({ do: 'run-layer', layer: 1, hop: 2 })
    expect(one.ran(8)).toBe(0)
    expect(one.next(tensor)).toMatchObject({ do: 'prepare', tensor })
    expect(one.reports()).toMatchObject([
      { event: { type: 'hop-served', hop: 1, layer: 3, ms: 7 } },
      { event: { type: 'hop-served', hop: 2, layer: 1, ms: 8 } },
    ])
  })

  test('has run nothing more when a run ends that nobody asked for', () => {
    const one = visit([3]).visit
    one.ran(7)
    expect(one.ran(9)).toBe(0)
    expect(one.runs).toEqual([{ layer: 3, ms: 7 }])
  })

  test('goes on from the step that it began with, whatever becomes of the request', () => {
    const { flight, visit: one } = visit([3])
    flight.advance(stepAfter([first, first, first], { requester }), 10)
    expect(one.step.route).toHaveLength(1)
    expect(one.hop).toBe(1)
  })

  test('only to pass the tensor on makes it ready at once', () => {
    const one = visit([]).visit
    expect(one.isRelay).toBe(true)
    expect(one.next(tensor)).toMatchObject({ do: 'prepare' })
  })

  test('is not to be heard of again before its engine began, and then before its claim runs out', () => {
    const one = visit([3]).visit
    expect([one.isRunning, one.renewAtMs]).toEqual([false, Number.POSITIVE_INFINITY])
    one.begin(200, 1_000)
    expect([one.isRunning, one.renewAtMs]).toEqual([true, 1_400])
    const ttlMs = one.renew(1_400)
    expect(ttlMs).toBe(AT_WORK_MS + OVERDUE_FACTOR * 400)
    expect(one.renewAtMs).toBe(1_400 + RENEWAL_SHARE * ttlMs)
    expect(one.renew(60_000)).toBeGreaterThan(RENEWAL_MS_MAX)
    expect(one.renewAtMs).toBe(60_000 + RENEWAL_MS_MAX)
  })

  test('that should be over at once, or takes long, is heard of within bounds', () => {
    const begun = (expectedMs: number) => {
      const one = visit([3]).visit
      one.begin(expectedMs, 0)
      return one.renewAtMs
    }
    expect(begun(0)).toBe(SILENT_CLAIM_MS)
    expect(begun(1e6)).toBe(RENEWAL_MS_MAX)
  })
})
