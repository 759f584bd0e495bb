/** Letters to insert, remove, replace or swap with a neighbour to turn `a` into `b`. */
function distance(a: string, b: string): number {
  let before: number[] = []
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = cell(previous, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1)
      const swapped =
        i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
          ? cell(before, j - 2) + 1
          : Number.POSITIVE_INFINITY
      row.push(Math.min(replaced, swapped, cell(previous, j) + 1, cell(row, j - 1) + 1))
    }
    before = previous
    previous = row
  }
  return cell(previous, b.length)
}

function cell(row: readonly number[], index: number): number {
  return row[index] ?? Number.POSITIVE_INFINITY
}

/** The choice that is spelled most like `word`; the first of equals. `choices` is not empty. */
export function nearest(word: string, choices: readonly string[]): string {
  const lower = word.toLowerCase()
  const [best] = choices.toSorted((a, b) => score(lower, a) - score(lower, b))
  return best ?? ''
}

/** What starts with the word, or the other way round, is meant more often than its length suggests. */
function score(word: string, choice: string): number {
  const prefix = choice.startsWith(word) || word.startsWith(choice)
  return distance(word, choice) - (prefix && word.length > 1 ? 2 : 0)
}
