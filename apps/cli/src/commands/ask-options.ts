import { usageError } from '../cli-error.ts'
import { bare, count, layerList, type ValuesOf } from '../line/option.ts'
import { pointsOption, ROUNDS_DEFAULT, roundsOption } from '../line/rounds-option.ts'
import type { Asking } from '../swarm/ask.ts'

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
  confirm: bare(
    'ask in two disjoint orders, and in a third when they disagree; the answer says so',
  ),
  rounds: roundsOption(),
  'max-loss': pointsOption('points of top-1 that rounds may cost; 100 takes unmeasured ones too'),
} as const

/**
 * The flags of `ASK_OPTIONS`; without --order the swarm chooses.
 * @throws CliError `bad-usage` for flags that exclude one another.
 */
export function askingOf(values: ValuesOf<typeof ASK_OPTIONS>): Asking {
  const { order, orders, confirm, rounds } = values
  if (confirm && (order !== undefined || orders > 1)) {
    const other = order === undefined ? '--orders' : '--order'
    throw usageError(`--confirm makes its orders itself; leave out ${other}`)
  }
  const isGrouping = typeof rounds === 'object'
  if (isGrouping && order !== undefined)
    throw usageError('--order runs one layer after the other; leave it or --rounds out')
  if (isGrouping && confirm)
    throw usageError('--confirm compares orders, and rounds have none; leave one of them out')
  const policy = {
    plan: order ?? [],
    deadlineMs: values['deadline-ms'],
    minLayers: values['min-layers'],
    // Two orders are compared layer by layer.
    rounds: confirm ? 'off' : (rounds ?? ROUNDS_DEFAULT),
    maxLossPoints: values['max-loss'],
  } as const
  return { policy, orders, confirm }
}
