import { describe, expect, test } from 'vitest'
import { SwarmError } from '../errors.ts'
import { anyPresence } from '../testing/any-presence.ts'
import { anyStep, hopsBy } from '../testing/any-step.ts'
import { MIXED_MARK } from './limits.ts'
import { decodeMessage, encodeMessage, type Message, type PeerId } from './messages.ts'

const [A, B] = ['a1'.repeat(32), 'b2'.repeat(32)] as [string, string]
const release = 'cd'.repeat(32)
const runner = 'runner' as PeerId

/** A step whose layers are of these, undefined for the lane's release. */
function stepOf(...row: (string | undefined)[]): Message {
  const route = hopsBy(runner, row.length).map((hop, at) => {
    const weights = row[at]
    return weights === undefined ? hop : { ...hop, weights }
  })
  return anyStep({ route })
}

function bytesOf(
  hexes: readonly string[],
  places: readonly number[],
  rest: Uint8Array,
): Uint8Array {
  const ids = hexes.flatMap((hex) =>
    (hex.match(/../g) ?? []).map((two) => Number.parseInt(two, 16)),
  )
  return Uint8Array.of(
    5,
    MIXED_MARK,
    hexes.length,
    ...ids,
    places.length,
    ...places,
    ...rest.slice(1),
  )
}

describe('the releases of layers', () => {
  test('take no byte where all are of the lane’s', () => {
    for (const message of [stepOf(undefined, undefined), anyPresence({ release })])
      expect(encodeMessage(message)[1]).not.toBe(MIXED_MARK)
  })

  test('come before a message that is otherwise as it would be', () => {
    const bytes = encodeMessage(stepOf(A, undefined, B, A))
    const plain = encodeMessage(stepOf(undefined, undefined, undefined, undefined))
    expect(bytes).toEqual(bytesOf([A, B], [1, 0, 2, 1], plain))
    const said = encodeMessage(anyPresence({ release, weights: A }))
    expect(said).toEqual(bytesOf([A], [1], encodeMessage(anyPresence({ release }))))
  })

  const pair = encodeMessage(stepOf(undefined, undefined))
  const presence = encodeMessage(anyPresence({ release }))
  const hint = encodeMessage({ kind: 'hint', about: runner })
  test.each([
    ['that nothing is of', bytesOf([A], [0, 0], pair)],
    ['of which one is named in vain', bytesOf([A, B], [1, 0], pair)],
    ['that are named twice', bytesOf([A, A], [1, 2], pair)],
    ['that are not named', bytesOf([A], [1, 2], pair)],
    ['in another order than they come', bytesOf([A, B], [2, 1], pair)],
    ['of more layers than there are', bytesOf([A], [1, 0, 0], pair)],
    ['of none', bytesOf([], [], pair)],
    ['that is the lane’s own', bytesOf([release], [1], presence)],
    ['of a message without layers', bytesOf([A], [1], hint)],
    ['behind one another', bytesOf([A], [1, 0], bytesOf([A], [1, 0], pair))],
  ])('%s are refused', (_, bytes) => {
    expect(() => decodeMessage(bytes)).toThrow(SwarmError)
  })
})
