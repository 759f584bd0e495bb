import {
  type Certificate,
  createSignaling,
  type Log,
  type Signaling,
  type SignalingOptions,
} from '@layerswarm/signaling'
import type { AllowList, SwarmKey } from '@layerswarm/swarm'
import type { Hosting } from '../line/hosting-options.ts'
import { pageFolder, releaseFolders, sampleFolder } from '../project-places.ts'

/** Where a signaling server listens, and what it offers. */
export interface ServeOptions {
  readonly hosting: Hosting
  /** Only who has it is let in; undefined for a swarm that is open to all. */
  readonly swarmKey: SwarmKey | undefined
  /** Who is let in; undefined for everybody. */
  readonly allowList?: AllowList | undefined
  /** Speaks TLS with this; undefined for plain http. */
  readonly certificate: Certificate | undefined
  /** Opens a port of plain http for processes of this machine, beside TLS. */
  readonly inner: boolean
  readonly models: readonly string[]
  readonly dataDir: string | undefined
  readonly metricsFor?: SignalingOptions['metricsFor']
  /** Who may upload releases, and where they are kept. */
  readonly uploads?: SignalingOptions['uploads']
  readonly log: Log
  /** The log names the addresses of those who come. */
  readonly logAddresses?: boolean
}

/**
 * The signaling server of this machine, with the page and the samples that come with the project.
 * @throws CliError `not-found` without any release.
 */
export async function prepareSignaling(options: ServeOptions): Promise<Signaling> {
  const { hosting } = options
  const pageDir = await pageFolder()
  if (pageDir === undefined) {
    const text = 'there is no page: run `npm run build` to have one'
    options.log({ level: 'warn', event: 'no-page', text, data: {} })
  }
  return createSignaling({
    host: hosting.host,
    swarmKey: options.swarmKey,
    allowList: options.allowList,
    port: hosting.port,
    tcpPort: hosting.tcpPort,
    announce: hosting.announce,
    iceServers: hosting.iceServers,
    peerWith: hosting.peerWith.map(({ href }) => href),
    trustsProxy: hosting.trustsProxy,
    metricsFor: options.metricsFor ?? 'everybody',
    tls: options.certificate,
    inner: options.inner,
    modelDirs: await releaseFolders(options.models),
    dataDir: options.dataDir,
    uploads: options.uploads,
    pageDir,
    samplesDir: await sampleFolder(),
    log: options.log,
    logAddresses: options.logAddresses ?? false,
  })
}
