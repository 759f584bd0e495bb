import type { ClassifyPolicy } from '@layerswarm/swarm'
import { count, layerList, type ValuesOf } from '../line/option.ts'

/** Flags with which a requester says what it is content with. */
export const ASK_OPTIONS = {
  order: layerList('the one order in which the layers may run (any)'),
  'deadline-ms': count('time until an answer or an error', {
    low: 1,
    high: 600_000,
    otherwise: 30_000,
  }),
  'min-layers': count('fewer applied layers than this are no answer', {
    low: 0,
    high: 64,
    otherwise: 1,
  }),
  orders: count('requests per image whose probabilities are averaged', {
    low: 1,
    high: 64,
    otherwise: 1,
  }),
} as const

/** The flags of `ASK_OPTIONS` as the policy of a request; without --order the swarm chooses. */
export function policyOf(values: ValuesOf<typeof ASK_OPTIONS>): Partial<ClassifyPolicy> {
  return {
    plan: values.order ?? [],
    deadlineMs: values['deadline-ms'],
    minLayers: values['min-layers'],
  }
}
