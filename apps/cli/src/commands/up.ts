import { UP_COVERED_MS_MAX, UP_HOSTS_PER_LAYER } from '../limits.ts'
import { defineCommand, NO_POSITIONALS } from '../line/command.ts'
import { engineOption } from '../line/engine-option.ts'
import { HOSTING_OPTIONS, readHosting } from '../line/hosting-options.ts'
import { layerFilesOption } from '../line/layer-files-option.ts'
import { bare, count, text, texts } from '../line/option.ts'
import { POLICY_USUAL, policyOption } from '../line/policy-option.ts'

/** `layerswarm up`. A swarm on this machine, with its page. */
export const up = defineCommand({
  name: 'up',
  summary: 'start a swarm on this machine: signaling, the page and volunteers',
  begins: 'starting the server',
  usage: [
    '[--peers 4] [--host 127.0.0.1] [--port 9000] [--https] [--cert FILE --key FILE] [--model DIR]…',
    '[--private] [--swarm-key FILE]',
  ],
  positionals: NO_POSITIONALS,
  options: {
    peers: count('volunteers, each a process of its own', { low: 0, high: 64, otherwise: 4 }),
    ...HOSTING_OPTIONS,
    data: text('DIR', 'where the certificate of --https is kept (~/.local/share/layerswarm)'),
    model: texts('DIR', 'folder of a release (the first in models/)'),
    engine: engineOption('what the volunteers compute with'),
    'layer-files': layerFilesOption(
      'which files of their layers the volunteers load, where a release has smaller ones',
    ),
    policy: policyOption('who goes on with a step'),
    verbose: bare('tell what the server and every volunteer do'),
  },
  examples: [
    'up',
    'up --host 0.0.0.0 --https',
    'up --private',
    'up --peers 8 --port 8080 --model models/fashion-vit',
  ],
  async run({ values, signal, print, log: tell, doing, progress, emit }) {
    const { unlessRoutine } = await import('../swarm/quiet-log.ts')
    const log = values.verbose ? tell : unlessRoutine(tell)
    const { startLocalSwarm } = await import('../swarm/local-swarm.ts')
    const { untilAborted } = await import('../until-aborted.ts')
    const { peers, model: models, engine, policy } = values
    const { refuseUnpublished } = await import('../release/refuse-unpublished.ts')
    await refuseUnpublished(models)
    const hosting = readHosting(values)
    const { findCertificate, describeDoors, doorsDocument, joinCommand } = await import(
      '../swarm/doors.ts'
    )
    const { linksOf, PRIVATE_LINE, swarmKeyOf } = await import('../swarm/swarm-key.ts')
    const swarmKey = await swarmKeyOf(hosting)
    const certificate = await findCertificate(hosting, values.data)
    const swarm = await startLocalSwarm({
      peers,
      hosting,
      swarmKey,
      certificate,
      models,
      engine,
      layerFiles: values['layer-files'],
      policy,
      webrtc: true,
      replicas: UP_HOSTS_PER_LAYER,
      log,
      doing,
      progress,
    })
    try {
      const { url } = swarm.ready
      const links = linksOf(swarm.ready, swarmKey)
      const withinMs = peers === 0 ? 0 : UP_COVERED_MS_MAX
      const missing = await swarm.covered({ hosts: 1, withinMs, signal })
      signal.throwIfAborted()
      if (missing !== undefined) log(`not everything is hosted yet: ${missing}`)
      doing('')
      print(`ready ${url}`)
      for (const line of await releaseLines(models)) print(line)
      if (swarmKey !== undefined) print(PRIVATE_LINE)
      print(`open ${links.url} in a browser to join with a tab`)
      const same = policy === POLICY_USUAL ? '' : ` --policy ${policy}`
      for (const line of describeDoors(links, certificate)) print(line)
      // A process of this machine needs no certificate to be let in.
      const near = links.innerUrl
      const far = links.publicUrls[0]
      print(`join with a process: npx layerswarm peer --join ${near}${same}`)
      if (far !== undefined) print(`from elsewhere: ${joinCommand(far, certificate)}${same}`)
      print(`ask: npx layerswarm classify ${await askedAbout(models)} --join ${near}${same}`)
      const pids = swarm.providers.map(({ pid }) => pid)
      const doors = doorsDocument(links, certificate)
      const layerFiles = values['layer-files']
      const what = { peers, layerFiles, pids, missing: missing ?? null }
      emit({ ready: url, link: links.url, ...what, ...doors })
      if (missing !== undefined) {
        const whenever = { withinMs: Number.POSITIVE_INFINITY, tell: () => undefined }
        const still = await swarm.covered({ hosts: 1, signal, ...whenever })
        if (still === undefined) log('everything is hosted now')
      }
      await untilAborted(signal)
    } finally {
      doing('stopping the volunteers')
      await swarm.stop()
    }
  },
})

/** What the model that is asked first is asked about: the samples that are served, where they fit it. */
async function askedAbout(models: readonly string[]): Promise<string> {
  const { releaseFolders, sampleFolder } = await import('../project-places.ts')
  const { readManifest } = await import('../release/release-folder.ts')
  const { readSamples } = await import('../images/samples.ts')
  const { whyUnfit } = await import('../swarm/swarm-samples.ts')
  const [first] = await releaseFolders(models)
  const samples = await sampleFolder()
  if (first === undefined || samples === undefined) return 'IMAGE'
  const { preprocessing } = await readManifest(first)
  // Samples that cannot be read are whoever asks's to hear of.
  const pack = await readSamples(samples).catch(() => undefined)
  const isFit = pack !== undefined && whyUnfit(pack, preprocessing) === undefined
  return isFit ? '--samples 20' : 'IMAGE'
}

/** What there is to say of what it serves: what runs in its own order, and what mixes. */
async function releaseLines(models: readonly string[]): Promise<string[]> {
  const { keepsOrder } = await import('@layerswarm/model')
  const { releaseFolders } = await import('../project-places.ts')
  const { readManifest } = await import('../release/release-folder.ts')
  const { orderLine } = await import('../release/order-line.ts')
  const manifests = await Promise.all((await releaseFolders(models)).map(readManifest))
  const { mixLines } = await import('../release/mix-line.ts')
  const ordered = manifests.filter(({ spec }) => keepsOrder(spec)).map(orderLine)
  return [...ordered, ...mixLines(manifests)]
}
