import { type Grouping, groupingText, type ModelSpec, randomTensor } from '@layerswarm/model'
import type { Answer } from '@layerswarm/swarm'
import { CliError } from '../cli-error.ts'
import { type BenchOptions, type BenchRow, median, medianRow } from './bench.ts'
import { TOGETHER_WARM_UPS } from './limits.ts'

/** A model, and the rounds in which its layers run. */
export interface TogetherModel {
  readonly spec: ModelSpec
  readonly groups: Grouping
}

/** A picture that was answered. */
export interface TimedPicture {
  readonly totalMs: number
  /** Peers that ran its layers. */
  readonly peers: number
  /** Layers that it went without. */
  readonly missing: number
}

/** A peer that hosts everything and asks, and another one that hosts everything as well. */
export interface TogetherSite {
  /** One picture on one of them alone: a visit runs all layers, at whichever should be over first. */
  alone(): Promise<TimedPicture>
  /** One picture in rounds. */
  together(): Promise<TimedPicture>
}

/**
 * Takes turns, so that whatever else the machine does meets both sides alike.
 * @param where the two, in words: "two processes". @throws CliError `refused` when one alone is not alone.
 */
export async function measureSite(
  site: TogetherSite,
  where: string,
  { groups }: TogetherModel,
  { rounds, signal, log }: BenchOptions,
): Promise<BenchRow> {
  const alone: number[] = []
  const together: number[] = []
  for (let picture = -TOGETHER_WARM_UPS; picture < rounds; picture++) {
    signal.throwIfAborted()
    const one = await site.alone()
    const both = await site.together()
    log(
      `${where}, picture ${picture + 1}: ${both.totalMs.toFixed(0)} ms in rounds of ${groupingText(groups)} on ${both.peers}, ${one.totalMs.toFixed(0)} ms alone`,
    )
    if (picture < 0) continue
    checkAlone(one, both)
    alone.push(one.totalMs)
    together.push(both.totalMs)
  }
  const row = medianRow(`one picture, ${where}, beside one`, together, alone, 'ms')
  // Of this very run: the picture that gained least counts as well.
  log(
    `${where}: ratios of single pictures ${ratios(together, alone)}, median ${median(together).toFixed(0)} ms`,
  )
  return row
}

function checkAlone(one: TimedPicture, both: TimedPicture): void {
  const fault =
    one.peers !== 1
      ? `a picture on one alone ran on ${one.peers} peers`
      : one.missing + both.missing > 0
        ? 'a picture went without a layer'
        : undefined
  if (fault !== undefined) throw new CliError({ code: 'refused', what: 'together' }, fault)
}

function ratios(ours: readonly number[], reference: readonly number[]): string {
  const all = ours.map((ms, at) => ms / (reference[at] ?? Number.NaN))
  return `${Math.min(...all).toFixed(2)} to ${Math.max(...all).toFixed(2)}`
}

/** A picture of the model's size that shows nothing. */
export function noise({ channels, imageSize }: ModelSpec) {
  return randomTensor([1, channels, imageSize, imageSize], 1)
}

/** What of an answer is measured. */
export function pictureOf({ totalMs, route, missingLayers }: Answer): TimedPicture {
  const peers = new Set(route.map(({ peer }) => peer)).size
  return { totalMs, peers, missing: missingLayers.length }
}
