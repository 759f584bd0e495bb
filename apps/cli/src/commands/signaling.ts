import { join } from 'node:path'
import type { Log } from '@layerswarm/signaling'
import { usageError } from '../cli-error.ts'
import { defineCommand, NO_POSITIONALS } from '../line/command.ts'
import { HOSTING_OPTIONS, readHosting } from '../line/hosting-options.ts'
import { createLog, LOG_OPTIONS } from '../line/log-options.ts'
import { allowListOption, bare, choice, text, texts } from '../line/option.ts'

/** `layerswarm signaling`. A signaling server in this process, until it is interrupted. */
export const signaling = defineCommand({
  name: 'signaling',
  summary: 'let a swarm meet: introductions, the page, the releases, health and metrics',
  begins: 'starting the server',
  usage: [
    '[--port 9000] [--host 127.0.0.1] [--https] [--cert FILE --key FILE] [--announce ADDRESS]…',
    '[--peer-with URL]… [--ice-server URL[,USER,CREDENTIAL]]… [--model DIR]… [--data DIR] [--upload-token-file FILE]',
    '[--private] [--swarm-key FILE] [--allow-list FILE]',
  ],
  positionals: NO_POSITIONALS,
  options: {
    ...HOSTING_OPTIONS,
    'allow-list': allowListOption(),
    model: texts('DIR', 'folder of a release (the first in models/)'),
    data: text(
      'DIR',
      'where the identity, the certificate of --https and uploaded releases are kept (a new identity at each start)',
    ),
    metrics: choice(['everybody', 'here'], 'who may read /metrics', 'everybody'),
    'metrics-token-file': text(
      'FILE',
      'a file of one line with the token that /metrics needs then, or sha256: and its hash (none)',
    ),
    'upload-token-file': text(
      'FILE',
      'a file of one line with the token that uploads need, or sha256: and its hash (no uploads are taken)',
    ),
    ...LOG_OPTIONS,
    'log-addresses': bare('the log names the addresses of those who come (it names none)'),
  },
  examples: [
    'signaling --host 0.0.0.0 --model models/fashion-vit --data /var/lib/layerswarm',
    'signaling --data /var/lib/layerswarm --upload-token-file upload.token',
    'signaling --data /var/lib/layerswarm --peer-with https://other.example/',
    'signaling --announce https://swarm.example/ --ice-server turn:turn.example:3478,user,secret',
  ],
  async run({ values, signal, print, log, doing, emit }) {
    const hosting = readHosting(values)
    const { data: dataDir, 'upload-token-file': tokenFile } = values
    const metricsTokenFile = values['metrics-token-file']
    if (tokenFile !== undefined && dataDir === undefined) {
      throw usageError('--upload-token-file needs --data DIR, where uploaded releases are kept')
    }
    const { readTokenFile } = await import('../release/upload-release.ts')
    const { formatLog } = await import('@layerswarm/signaling')
    const { prepareSignaling } = await import('../swarm/serve-signaling.ts')
    const { untilAborted } = await import('../until-aborted.ts')
    const { findCertificate, describeDoors, doorsDocument } = await import('../swarm/doors.ts')
    const { linksOf, PRIVATE_LINE, swarmKeyOf } = await import('../swarm/swarm-key.ts')
    const { refuseUnpublished } = await import('../release/refuse-unpublished.ts')
    await refuseUnpublished(values.model)
    const swarmKey = await swarmKeyOf(hosting)
    const certificate = await findCertificate(hosting, dataDir)
    const record = createLog({ flags: values, describe: formatLog, write: log, now: Date.now })
    const { followAllowList } = await import('../swarm/allow-list.ts')
    const { allowList, close } = await followAllowList(values['allow-list'], record)
    const server = await prepareSignaling({
      hosting,
      swarmKey,
      allowList,
      certificate,
      inner: false,
      models: values.model,
      dataDir,
      metricsFor:
        metricsTokenFile === undefined
          ? values.metrics
          : { token: await readTokenFile(metricsTokenFile) },
      uploads:
        tokenFile === undefined || dataDir === undefined
          ? undefined
          : { token: await readTokenFile(tokenFile), dir: join(dataDir, 'releases') },
      log: record,
      logAddresses: values['log-addresses'],
    })
    for (const file of [tokenFile, metricsTokenFile]) await warnOfToken(file, record)
    try {
      const ready = await server.start()
      const { url, peerId, releases } = ready
      doing('')
      print(`ready ${url}`)
      const links = linksOf(ready, swarmKey)
      if (swarmKey !== undefined) for (const line of [PRIVATE_LINE, `  ${links.url}`]) print(line)
      for (const line of describeDoors(links, certificate)) print(line)
      emit({ ready: url, link: links.url, peerId, releases, ...doorsDocument(links, certificate) })
      await untilAborted(signal)
    } finally {
      close()
      await server.stop()
    }
  },
})

/** A server needs no more of a token than its hash, with which nobody who reads the file can upload. */
async function warnOfToken(file: string | undefined, record: Log): Promise<void> {
  if (file === undefined) return
  const { readTokenFile } = await import('../release/upload-release.ts')
  const { isHashedToken } = await import('@layerswarm/signaling')
  if (isHashedToken(await readTokenFile(file))) return
  record({
    level: 'warn',
    event: 'token-in-clear',
    text: `${file} holds the token itself; a server needs no more than sha256: and its hash (docs/hosting.md)`,
    data: {},
  })
}
