import { type BenchOptions, type BenchRow, median, row } from './bench.ts'
import { VIT_B_SPEC } from './vit-b-spec.ts'

/** One answer of a swarm. */
export interface VitBAnswer {
  readonly totalMs: number
  /** In the order in which they were applied. */
  readonly layers: readonly number[]
}

/** One request after the other; the first one, in which everybody meets, does not count. */
export async function askOneByOne(
  request: () => Promise<VitBAnswer>,
  where: string,
  { rounds, signal, log }: BenchOptions,
): Promise<VitBAnswer[]> {
  log(`${where}: asking ${rounds} times`)
  await request()
  const answers: VitBAnswer[] = []
  for (let round = 0; round < rounds; round++) {
    signal.throwIfAborted()
    answers.push(await request())
  }
  return answers
}

/** How long an answer took, and in how many of them every layer ran in its place. */
export function answerRows(where: string, answers: readonly VitBAnswer[]): BenchRow[] {
  const seconds = answers.map(({ totalMs }) => totalMs / 1_000)
  const ordered = answers.filter(({ layers }) => isWhole(layers)).length
  return [
    row(`${where}: an answer, median / slowest`, median(seconds), Math.max(...seconds), 's'),
    row(`${where}: all layers in their order / asked`, ordered, answers.length, 'answers'),
  ]
}

function isWhole(layers: readonly number[]): boolean {
  return layers.length === VIT_B_SPEC.layers && layers.every((layer, at) => layer === at)
}
