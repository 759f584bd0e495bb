import { ERAS_MAX, type Message, type ModelShape, type PeerId } from '@layerswarm/swarm'
import { areSealed, SIMULATED_RELEASE } from '@layerswarm/swarm/testing'
import { statementsOf } from '../../../packages/swarm/src/chain/statement.ts'
import { roundFault } from '../../../packages/swarm/src/gate/round-fault.ts'
import { stepFault } from '../../../packages/swarm/src/gate/step-fault.ts'
import { TABLE_ENTRIES_MAX } from './limits.ts'

/** A promise of the machines that a run has broken. */
export class Broken extends Error {
  override readonly name = 'Broken'
}

/**
 * What a member says is what every honest peer takes: a possible step, each of whose links is signed by whoever it names.
 * @throws Broken
 */
export function checkSaid(message: Message, self: PeerId, shape: ModelShape): void {
  if (message.kind === 'round' || message.kind === 'update') {
    const fault = roundFault(message, shape)
    if (fault !== undefined) throw new Broken(`it says what no round has: ${fault}`)
  }
  if (message.kind !== 'step') return
  const fault = stepFault(message, self, shape)
  if (fault !== undefined) throw new Broken(`it says a step that is impossible: ${fault}`)
  if (message.era > ERAS_MAX) throw new Broken('it says a step beyond the last era')
  const statements = [...statementsOf(message, SIMULATED_RELEASE)]
  if (statements.length === 0 || !areSealed(statements))
    throw new Broken('it says a step that not all have signed who are in its chain')
}

/** How large the tables of a member are. */
export interface TableSizes {
  /** Of all together. */
  readonly entries: number
  readonly largest: number
  /** Where the largest is, as `core.provider.flights`. */
  readonly where: string
}

/**
 * Every table, list and set that a member can be followed to, whatever it is called: nothing has to be named for its
 * bound to be checked.
 */
export function tablesOf(member: object, leaveOut: ReadonlySet<object>): TableSizes {
  const seen = new Set<object>(leaveOut)
  const open: [object, string][] = [[member, 'member']]
  let entries = 0
  let largest = 0
  let where = ''
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const [one, path] = next
    if (seen.has(one) || ArrayBuffer.isView(one)) continue
    seen.add(one)
    const size = sizeOf(one)
    entries += size
    if (size > largest) {
      largest = size
      where = path
    }
    for (const [name, value] of partsOf(one))
      if (typeof value === 'object' && value !== null) open.push([value, `${path}.${name}`])
  }
  return { entries, largest, where }
}

function sizeOf(one: object): number {
  if (one instanceof Map || one instanceof Set) return one.size
  return Array.isArray(one) ? one.length : 0
}

function partsOf(one: object): Iterable<[string, unknown]> {
  if (one instanceof Map) return [...one.values()].map((value) => ['*', value])
  if (one instanceof Set) return [...one].map((value) => ['*', value])
  return Object.entries(one)
}

/** @throws Broken where a table is larger than any bound of packages/swarm. */
export function checkTables({ largest, where }: TableSizes): void {
  if (largest > TABLE_ENTRIES_MAX) throw new Broken(`${where} has ${largest} entries`)
}
