import type { Preprocessing } from '@layerswarm/model'
import { CliError, usageError } from '../cli-error.ts'
import { DEMO_COVERED_MS_MAX, DEMO_HOSTS_PER_LAYER, DEMO_SPARES_MS_MAX } from '../limits.ts'
import { defineCommand, NO_POSITIONALS } from '../line/command.ts'
import { engineOption } from '../line/engine-option.ts'
import { bare, count, texts } from '../line/option.ts'
import { policyOption } from '../line/policy-option.ts'
import { ASK_OPTIONS, askingOf } from './ask-options.ts'

/**
 * `layerswarm demo`. A swarm of processes on this machine, some of which are killed while samples
 * are asked.
 */
export const demo = defineCommand({
  name: 'demo',
  summary: 'start a swarm, ask it samples, and kill volunteers on the way',
  begins: 'starting the server',
  usage: ['[--samples 100] [--peers 8] [--kill 2]'],
  positionals: NO_POSITIONALS,
  options: {
    samples: count('labelled samples to ask', { low: 1, high: 100_000, otherwise: 100 }),
    peers: count('volunteers, each a process of its own', { low: 1, high: 64, otherwise: 8 }),
    kill: count('volunteers that lose their power while requests are under way', {
      low: 0,
      high: 63,
      otherwise: 2,
    }),
    concurrency: count('samples that are open at the same time', {
      low: 1,
      high: 64,
      otherwise: 4,
    }),
    model: texts('DIR', 'folder of a release (the first in models/)'),
    engine: engineOption('what the volunteers compute with'),
    policy: policyOption('who goes on with a step'),
    ...ASK_OPTIONS,
    verbose: bare('tell what the server and every volunteer do'),
  },
  examples: [
    'demo',
    'demo --samples 200 --peers 8 --kill 2 --json',
    'demo --rounds 4+4 --max-loss 4',
  ],
  async run({ values, signal, print, log: tell, doing, progress, emit }) {
    if (values.kill >= values.peers) {
      throw usageError(`--kill ${values.kill} would leave none of ${values.peers} volunteers`)
    }
    const { unlessRoutine } = await import('../swarm/quiet-log.ts')
    const log = values.verbose ? tell : unlessRoutine(tell)
    const { runDemo } = await import('../swarm/run-demo.ts')
    const { checkRounds } = await import('./check-rounds.ts')
    const { reportLines } = await import('../swarm/sample-run.ts')
    const { samples, peers, kill, concurrency, model: models, engine } = values
    const asking = askingOf(values)
    const { releaseFolders } = await import('../project-places.ts')
    const { readManifest } = await import('../release/release-folder.ts')
    const { checkPlan } = await import('./check-plan.ts')
    const { refuseUnpublished } = await import('../release/refuse-unpublished.ts')
    await refuseUnpublished(models)
    // The first one is asked; what cannot be asked like that starts nothing.
    const [asked] = await releaseFolders(models)
    if (asked !== undefined) {
      const manifest = await readManifest(asked)
      checkPlan(manifest, values)
      const whyNoRounds = checkRounds(manifest, values)
      if (whyNoRounds !== undefined) print(whyNoRounds)
      await refuseUnfit(asked, manifest.preprocessing)
    }
    const report = await runDemo({
      samples,
      peers,
      kill,
      concurrency,
      models,
      engine,
      policy: values.policy,
      asking,
      replicas: DEMO_HOSTS_PER_LAYER,
      coveredMs: DEMO_COVERED_MS_MAX,
      sparesMs: DEMO_SPARES_MS_MAX,
      signal,
      log,
      doing,
      progress,
    })
    print(`${report.killed} of ${peers} volunteers were killed on the way`)
    for (const line of reportLines(report, asking)) print(line)
    emit({ ...report })
  },
})

/** A demo asks about the samples that come with the project. @throws CliError `refused` for a model that takes others. */
async function refuseUnfit(
  folder: string,
  input: Pick<Preprocessing, 'size' | 'channels'>,
): Promise<void> {
  const { sampleFolder } = await import('../project-places.ts')
  const { readSamples } = await import('../images/samples.ts')
  const { whyUnfit } = await import('../swarm/swarm-samples.ts')
  const samples = await sampleFolder()
  const why = samples === undefined ? undefined : whyUnfit(await readSamples(samples), input)
  if (why === undefined) return
  throw new CliError(
    { code: 'refused', what: 'samples' },
    `${why}; start it with \`layerswarm up --model ${folder}\` and ask about pictures of your own`,
  )
}
