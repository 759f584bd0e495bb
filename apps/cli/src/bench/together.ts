import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Bench, BenchOptions, BenchRow } from './bench.ts'
import { writeSyntheticRelease } from './synthetic-release.ts'
import { VIT_B } from './tab-layers.ts'
import type { TogetherModel } from './together-measuring.ts'
import { togetherInProcesses } from './together-processes.ts'
import { togetherInTabs } from './together-tabs.ts'

/** All twelve layers of a ViT-B, half of them at once. */
const WHOLE_VIT_B: TogetherModel = {
  spec: { ...VIT_B.spec, layers: 12 },
  groups: [6, 6],
}

/**
 * Whether peers add up: one picture in rounds on two peers that host every layer, beside the same picture on one of
 * them alone; and what it costs when one of them is killed in the middle of a round.
 */
export const together: Bench = {
  name: 'together',
  compares: 'one picture in rounds on several peers, and on one of them alone (ViT-B on WASM)',
  rounds: 10,
  run: (options) => measureTogether(WHOLE_VIT_B, options),
}

/** @throws CliError `refused` where the peers do not come about. */
export async function measureTogether(
  model: TogetherModel,
  options: BenchOptions,
): Promise<BenchRow[]> {
  const scratch = await mkdtemp(join(tmpdir(), 'layerswarm-bench-'))
  try {
    options.log('making the model')
    const folder = await writeSyntheticRelease(scratch, 'together', model.spec, 'float16')
    const rows = await togetherInProcesses(folder, model, options)
    return [...rows, ...(await togetherInTabs(folder, model, options))]
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}
