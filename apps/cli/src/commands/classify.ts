import { CliError, usageError } from '../cli-error.ts'
import { requireFile } from '../files.ts'
import { PICTURE_BYTES_MAX } from '../limits.ts'
import { type CommandContext, defineCommand } from '../line/command.ts'
import { engineOption } from '../line/engine-option.ts'
import { count, swarmKeyOption, swarmUrls, text, type ValuesOf } from '../line/option.ts'
import { policyOption } from '../line/policy-option.ts'
import type { Asking } from '../swarm/ask.ts'
import { ASK_OPTIONS, askingOf } from './ask-options.ts'

const OPTIONS = {
  join: swarmUrls(),
  'swarm-key': swarmKeyOption(),
  samples: count("ask this many of the swarm's labelled samples instead of images", {
    low: 1,
    high: 100_000,
    otherwise: undefined,
  }),
  ...ASK_OPTIONS,
  concurrency: count('samples that are open at the same time', {
    low: 1,
    high: 64,
    otherwise: 4,
  }),
  data: text('DIR', 'where the identity of who asks is kept (a new one each time)'),
  release: text('ID', 'the release to ask (the first that the swarm offers)'),
  engine: engineOption('what runs the stem and the head here'),
  policy: policyOption('who goes on with a step; that of the swarm that is asked'),
}

type ClassifyContext = CommandContext<typeof OPTIONS>

/** `layerswarm classify`. Asks a swarm for images or for labelled samples. */
export const classify = defineCommand({
  name: 'classify',
  summary: 'ask a swarm what is on an image',
  begins: 'joining the swarm',
  usage: [
    'IMAGE… --join URL… [--order 2,0,1] [--rounds auto|off|4+4] [--max-loss POINTS] [--deadline-ms N] [--min-layers N] [--orders K | --confirm]',
    '--samples N --join URL… [--concurrency N] …',
  ],
  positionals: { min: 0, max: 1000, placeholder: 'IMAGE…' },
  options: OPTIONS,
  examples: [
    'classify shirt.jpg --join http://127.0.0.1:9000',
    'classify --samples 100 --join http://127.0.0.1:9000 --json',
    'classify shirt.jpg --join http://127.0.0.1:9000 --order 3,1,0,2 --orders 4',
    'classify shirt.jpg --join http://127.0.0.1:9000 --confirm',
    'classify shirt.jpg --join http://127.0.0.1:9000 --rounds 4+4 --max-loss 4',
  ],
  async run(context) {
    const { positionals, values, signal, log, doing } = context
    if ((values.samples === undefined) === (positionals.length === 0)) {
      throw usageError('classify needs either IMAGE… or --samples N')
    }
    const asking = askingOf(values)
    // One picture that is not there needs no swarm; of several the others are answered.
    const [only] = positionals
    if (only !== undefined && positionals.length === 1) await requireFile(only, PICTURE_BYTES_MAX)
    doing('joining the swarm')
    const { joinAsRequester } = await import('../swarm/join-swarm.ts')
    const { join, data, release, engine, policy } = values
    const { readSwarmKey } = await import('../swarm/swarm-key.ts')
    const swarmKey = await readSwarmKey(values['swarm-key'])
    const how = { swarmKey, dataDir: data, release, engine, policy, webrtc: true }
    const peer = await joinAsRequester({ join, ...how, signal, log, doing })
    try {
      if (values.samples === undefined) await classifyImages(peer, context, asking)
      else await classifySamples(peer, context, asking, values.samples)
    } finally {
      await peer.stop()
    }
  },
})

async function classifyImages(
  peer: Requester,
  context: ClassifyContext,
  asking: Asking,
): Promise<void> {
  const { positionals, signal, print, table, log, doing, progress, emit } = context
  const { classifyFiles } = await import('../swarm/classify-files.ts')
  const { readPicture } = await import('../images/picture.ts')
  const { CheckBook, laterLines } = await import('../swarm/check-book.ts')
  const isKept = await checkAsked(peer, context)
  const checks = new CheckBook(peer)
  const { answers, failed } = await classifyFiles(peer, positionals, {
    read: (path) => readPicture(path, peer.manifest.preprocessing),
    asking,
    signal,
    print,
    table,
    log,
    doing,
    progress,
  })
  // Audits have gone on while others were asked.
  const given = answers.map((answer) => ({ ...answer, checked: checks.of(answer) }))
  for (const line of laterLines(answers, given)) print(line)
  const [only] = given
  if (positionals.length === 1 && only !== undefined) emit({ ...only, keepsOrder: isKept })
  else emit({ answers: given, failed, keepsOrder: isKept })
  if (failed.length > 0) {
    throw new CliError(
      { code: 'unanswered', files: failed.length },
      `${failed.length} of ${positionals.length} images have no answer`,
    )
  }
}

type Requester = Awaited<ReturnType<typeof import('../swarm/join-swarm.ts')['joinAsRequester']>>

/**
 * Says what there is to know of a release before it is asked like that: that it keeps its order, or why it is not
 * asked in rounds. @returns whether it keeps its order. @throws CliError `bad-usage`.
 */
async function checkAsked(
  { manifest }: Requester,
  { values, print }: ClassifyContext,
): Promise<boolean> {
  const { checkPlan } = await import('./check-plan.ts')
  const { checkRounds } = await import('./check-rounds.ts')
  const { keepsOrder } = await import('@layerswarm/model')
  checkPlan(manifest, values)
  const whyNoRounds = checkRounds(manifest, values)
  if (whyNoRounds !== undefined) print(whyNoRounds)
  const isKept = keepsOrder(manifest.spec)
  if (isKept) print((await import('../release/order-line.ts')).orderLine(manifest))
  return isKept
}

/** Those that are there now. */
function serversOf(peer: Requester): URL[] {
  const { servers } = peer.snapshot()
  return servers.filter(({ relay }) => relay !== 'lost').map(({ url }) => new URL(url))
}

async function classifySamples(
  peer: Requester,
  context: ClassifyContext,
  asking: Asking,
  samples: ValuesOf<typeof OPTIONS>['samples'] & number,
): Promise<void> {
  const { values, signal, print, doing, progress, emit } = context
  const { fetchSamples } = await import('../swarm/swarm-samples.ts')
  const { reportLines, runSamples } = await import('../swarm/sample-run.ts')
  const isKept = await checkAsked(peer, context)
  doing('asking the swarm')
  const pack = await fetchSamples(serversOf(peer), peer.manifest.preprocessing)
  const report = await runSamples(peer, pack, {
    count: samples,
    concurrency: values.concurrency,
    asking,
    signal,
    progress,
  })
  for (const line of reportLines(report, asking)) print(line)
  emit({ ...report, keepsOrder: isKept })
}
