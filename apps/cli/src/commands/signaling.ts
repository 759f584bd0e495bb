import { join } from 'node:path'
import { usageError } from '../cli-error.ts'
import { defineCommand, NO_POSITIONALS } from '../line/command.ts'
import { count, text, textOr, texts } from '../line/option.ts'

/** `layerswarm signaling`. A signaling server in this process, until it is interrupted. */
export const signaling = defineCommand({
  name: 'signaling',
  summary: 'let a swarm meet: introductions, the page, the releases, health and metrics',
  usage: [
    '[--port 9000] [--host 127.0.0.1] [--model DIR]… [--data DIR] [--upload-token-file FILE]',
  ],
  positionals: NO_POSITIONALS,
  options: {
    port: count('the one port, for the page and the swarm; 0 takes any free one', {
      low: 0,
      high: 65_535,
      otherwise: 9000,
    }),
    host: textOr(
      'ADDRESS',
      'address to listen on; 0.0.0.0 for every one of this machine',
      '127.0.0.1',
    ),
    model: texts('DIR', 'folder of a release (the first in models/)'),
    data: text(
      'DIR',
      'where the identity is kept, so that a restart keeps its address, and uploaded releases',
    ),
    'upload-token-file': text(
      'FILE',
      'a file of one line with the token that uploads need (no uploads are taken)',
    ),
  },
  examples: [
    'signaling --host 0.0.0.0 --model models/fashion-vit --data /var/lib/layerswarm',
    'signaling --data /var/lib/layerswarm --upload-token-file upload.token',
  ],
  async run({ values, signal, print, log, emit }) {
    const { data: dataDir, 'upload-token-file': tokenFile } = values
    if (tokenFile !== undefined && dataDir === undefined) {
      throw usageError('--upload-token-file needs --data DIR, where uploaded releases are kept')
    }
    const { readTokenFile } = await import('../release/upload-release.ts')
    const { prepareSignaling } = await import('../swarm/serve-signaling.ts')
    const { untilAborted } = await import('../until-aborted.ts')
    const server = await prepareSignaling({
      host: values.host,
      port: values.port,
      models: values.model,
      dataDir,
      uploads:
        tokenFile === undefined || dataDir === undefined
          ? undefined
          : { token: await readTokenFile(tokenFile), dir: join(dataDir, 'releases') },
      log,
    })
    try {
      const { url, peerId, releases } = await server.start()
      print(`ready ${url}`)
      emit({ ready: url, peerId, releases })
      await untilAborted(signal)
    } finally {
      await server.stop()
    }
  },
})
