import { defineCommand, NO_POSITIONALS } from '../command.ts'
import { count, text, textOr, texts } from '../option.ts'

export const signaling = defineCommand({
  name: 'signaling',
  summary: 'let a swarm meet: introductions, the page, the releases, health and metrics',
  usage: ['[--port 9000] [--host 127.0.0.1] [--model DIR]… [--data DIR]'],
  positionals: NO_POSITIONALS,
  options: {
    port: count('HTTP port; the two above it are for libp2p, 0 takes any free ones', {
      low: 0,
      high: 65_533,
      otherwise: 9000,
    }),
    host: textOr(
      'ADDRESS',
      'address to listen on; 0.0.0.0 for every one of this machine',
      '127.0.0.1',
    ),
    model: texts('DIR', 'folder of a release (the first in models/)'),
    data: text('DIR', 'where the identity is kept, so that a restart keeps its address'),
  },
  examples: ['signaling --host 0.0.0.0 --model models/fashion-vit --data /var/lib/layerswarm'],
  async run({ values, signal, print, log, emit }) {
    const { prepareSignaling } = await import('../serve-signaling.ts')
    const { untilAborted } = await import('../until-aborted.ts')
    const server = await prepareSignaling({
      host: values.host,
      port: values.port,
      models: values.model,
      dataDir: values.data,
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
