import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Bench } from './bench.ts'
import { HOP_MODELS } from './hop-cases.ts'
import { hopsBetweenProcesses } from './hop-processes.ts'
import { hopsBetweenTabs } from './hop-tabs.ts'
import { writeSyntheticRelease } from './synthetic-release.ts'

/**
 * What the protocol adds to a layer: a request whose every hop crosses from one peer to another,
 * less the time in its layers, per hop, beside an echo of the same activation over a bare libp2p
 * stream of the same transport.
 */
export const hop: Bench = {
  name: 'hop',
  compares: 'one hop without its compute, and an echo of the same bytes over a bare libp2p stream',
  rounds: 60,
  async run(options) {
    const scratch = await mkdtemp(join(tmpdir(), 'layerswarm-bench-'))
    try {
      const releases = await Promise.all(
        HOP_MODELS.map(async (model) => ({
          model,
          folder: await writeSyntheticRelease(scratch, model.name, model.spec),
        })),
      )
      const processes = await hopsBetweenProcesses(releases, options)
      return [...processes, ...(await hopsBetweenTabs(releases, options))]
    } finally {
      await rm(scratch, { recursive: true, force: true })
    }
  },
}
