import { ModelError } from './errors.ts'
import { GROUPING_LETTERS_MAX } from './limits.ts'

/**
 * Sizes of the rounds in which all layers of a model are applied: those of one round run on the
 * same input x, and their updates are summed, x' = x + Σ (f(x) − x). `[1, 1, …]` is the usual way,
 * one layer after the other.
 */
export type Grouping = readonly number[]

/** The text of a grouping, as in manifests and on the command line: "4+4". */
export function groupingText(sizes: Grouping): string {
  return sizes.join('+')
}

/** One layer after the other. */
export function singleRounds(layers: number): Grouping {
  return Array.from({ length: layers }, () => 1)
}

/**
 * Reads "4+4": whole numbers from 1, without zeros before them, that make up all layers.
 * @throws ModelError `bad-grouping`.
 */
export function parseGrouping(text: string, layers: number): Grouping {
  const isText = text.length <= GROUPING_LETTERS_MAX && /^[1-9]\d*(\+[1-9]\d*)*$/.test(text)
  const sizes = isText ? text.split('+').map(Number) : []
  if (sizes.reduce((sum, size) => sum + size, 0) === layers) return sizes
  const half = Math.ceil(layers / 2)
  const example = groupingText(layers === 1 ? [1] : [half, layers - half])
  throw new ModelError(
    { code: 'bad-grouping' },
    `${JSON.stringify(text.slice(0, GROUPING_LETTERS_MAX))} is no grouping of ${layers} ${layers === 1 ? 'layer' : 'layers'}; one is "${example}"`,
  )
}
