import { setTimeout } from 'node:timers/promises'
import type { Peer } from '@layerswarm/peer'
import type { ProviderProcess } from '../swarm/provider-process.ts'
import { type BenchOptions, type BenchRow, median, row } from './bench.ts'
import { PROCESS_LOOK_INTERVAL_MS, TOGETHER_DEADLINE_MS, TOGETHER_KILL_PICTURES } from './limits.ts'
import { noise, pictureOf, type TogetherModel } from './together-measuring.ts'

/** Whoever asks, in this process, and others that host all layers as well. */
export interface Crew {
  readonly asker: Peer
  readonly others: readonly ProviderProcess[]
  readonly model: TogetherModel
}

/** One picture of the run in which peers are killed. */
interface Asked {
  readonly totalMs: number
  /** Undefined where it has no answer. */
  readonly missing: number | undefined
  /** Peers that were there when it was asked. */
  readonly hosts: number
  readonly isKilled: boolean
}

/**
 * Pictures one after the other while every other process is killed with SIGKILL in the middle of a round.
 * @returns how many were answered, and what a killed peer cost its picture beside a round of those left.
 */
export async function killsInRounds(crew: Crew, options: BenchOptions): Promise<BenchRow[]> {
  const { others, model } = crew
  const pictures = Math.max(TOGETHER_KILL_PICTURES, 2 * options.rounds)
  const asked: Asked[] = []
  for (let picture = 0; picture < pictures; picture++) {
    options.signal.throwIfAborted()
    const gone = others.length - others.filter((one) => one.isAlive()).length
    const isKilled =
      gone < others.length && picture === Math.floor(((gone + 1) * pictures) / (others.length + 1))
    asked.push(
      await askOne(crew, isKilled ? median(asked.map(({ totalMs }) => totalMs)) : undefined),
    )
    const { totalMs, hosts } = asked.at(-1) as Asked
    const what = isKilled ? ', one of them killed in mid-round' : ''
    options.log(`picture ${picture + 1}: ${totalMs.toFixed(0)} ms, ${hosts} peers${what}`)
  }
  return rowsOf(asked, model.groups.length)
}

/** @param killMs what a picture takes, where a process is killed in the middle of its second round. */
async function askOne({ asker, others, model }: Crew, killMs: number | undefined): Promise<Asked> {
  const hosts = 1 + others.filter((one) => one.isAlive()).length
  const startMs = performance.now()
  const { answer, onProgress } = await asker.classify(noise(model.spec), {
    rounds: model.groups,
    deadlineMs: TOGETHER_DEADLINE_MS,
  })
  const isKilled = killMs !== undefined
  const victim = isKilled ? others.find((one) => one.isAlive()) : undefined
  const kill = () =>
    void setTimeout((killMs ?? 0) / model.groups.length / 2).then(() => victim?.kill())
  // The first round is over, the second one begins; of a dead process nothing more is heard.
  const unlisten = onProgress(() => {
    unlisten()
    kill()
  })
  const given = await answer.catch(() => undefined)
  const totalMs = performance.now() - startMs
  // A picture may be quicker than its killer, and the next one counts who is left.
  victim?.kill()
  while (victim?.isAlive()) await setTimeout(PROCESS_LOOK_INTERVAL_MS)
  return { totalMs, hosts, isKilled, missing: given && pictureOf(given).missing }
}

function rowsOf(asked: readonly Asked[], rounds: number): BenchRow[] {
  const answered = asked.filter(({ missing }) => missing !== undefined).length
  const whole = asked.filter(({ missing }) => missing === 0).length
  const costs = asked.flatMap((one, at): BenchRow[] => {
    if (!one.isKilled) return []
    const left = asked.slice(at + 1).filter(({ hosts, isKilled }) => hosts < one.hosts && !isKilled)
    const nearest = left.filter(({ hosts }) => hosts === left[0]?.hosts)
    const usualMs = median(nearest.map(({ totalMs }) => totalMs))
    const name = `what it cost that one of ${one.hosts} was killed in mid-round, beside a round of the others`
    return [row(name, one.totalMs - usualMs, usualMs / rounds, 'ms')]
  })
  const of = asked.length
  return [
    row('pictures answered while processes were killed, of those asked', answered, of, 'pictures'),
    row('pictures with every layer, of those asked', whole, of, 'pictures'),
    ...costs,
  ]
}
