import { stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import {
  createBacklog,
  createQuota,
  type IceServer,
  type LaneCount,
  PROTOCOL_VERSION,
  swarmId,
  topicRelease,
} from '@layerswarm/swarm'
import { type Announced, readAnnounced } from './announce.ts'
import { atMostEvery } from './at-most-every.ts'
import { DASHBOARD_CSS, dashboardPage } from './dashboard/dashboard.ts'
import type { SwarmView } from './dashboard/swarm-view.ts'
import { createSwarmWatch } from './dashboard/swarm-watch.ts'
import { reasonOf, SignalingError } from './errors.ts'
import { createCompressionCache } from './http/compression.ts'
import { mergeCounts } from './http/request-count.ts'
import { createHttpServer, type HttpServer } from './http/server.ts'
import { createGuessLimit, createSocketLimit, createVisitorLimit } from './http/visitor.ts'
import { loadIdentity } from './identity.ts'
import { HTTP_SILENT_MAX, METRICS_MS, REFUSALS_LOGGED } from './limits.ts'
import type { LogEntry } from './log.ts'
import { renderMetrics } from './metrics.ts'
import {
  type Listening,
  multiaddrsOf,
  resolveListening,
  type SignalingOptions,
  urlOf,
} from './options.ts'
import { createPeering, type Peering, parsePeerWith } from './peering/peering.ts'
import { checkPort } from './ports.ts'
import { type AnnouncedPeer, createPresenceGate, type PresenceGate } from './presence-gate.ts'
import { processMetrics } from './process-metrics.ts'
import { publicUrls } from './public-urls.ts'
import { createRelay, type Relay } from './relay.ts'
import type { RelayEvent } from './relay-terms.ts'
import { loadRelease, loadReleases, type Releases, withRelease } from './releases.ts'
import {
  countBackends,
  countReleases,
  EMPTY_SNAPSHOT,
  type SignalingSnapshot,
  type SignalingState,
} from './snapshot.ts'
import { createToken } from './token.ts'
import { createUploads, uploadedDirs } from './uploads.ts'

/** The content of /bootstrap.json: all that a newcomer needs to join. */
export interface Bootstrap {
  readonly protocol: number
  /** Of the relay. It is met by WebSocket at the URL by which this was read. */
  readonly peerId: string
  /** Which private swarm it is (`swarmId`); none for one that is open to all. */
  readonly swarm?: string
  /** Whether only peers on the host's list are let in; left out where everybody may come. */
  readonly allowList?: boolean
  /** STUN and TURN servers that the host of the swarm wants its peers to use. */
  readonly iceServers: readonly IceServer[]
  /** URLs of the other servers of this swarm that this one has met: peers join them too. */
  readonly others: readonly string[]
  /** Multiaddrs of the relay that it announces beside that, with its peer id; usually none. */
  readonly addresses: readonly string[]
  readonly releases: readonly {
    readonly id: string
    readonly name: string
    readonly publisher: string
    /** The lanes in which somebody is, by their numbers: how newcomers choose theirs. */
    readonly lanes: readonly LaneCount[]
  }[]
  /** Where others can join, if that is known: told to whoever looks from the server's own machine. */
  readonly invite?: string
}

/** What happened to a peer of the relay. */
export type RunEvent = RelayEvent | { readonly type: 'peer-banned'; readonly peer: string }

/** Where a server that has been opened can be reached. */
export interface Doors {
  readonly port: number
  /** Where others can join, the best one first; empty when only this machine can. */
  readonly publicUrls: readonly string[]
  /** Plain http for processes of this machine. */
  readonly innerUrl: string
}

/** One life of the server, from start to stop. */
export interface Run {
  /** Opens everything, in the order in which a failure costs least. @throws SignalingError */
  open(): Promise<Doors>
  close(): Promise<void>
  bootstrap(): Bootstrap
  snapshot(state: SignalingState): SignalingSnapshot
}

/** What `open` has opened so far. */
interface Opened {
  http?: HttpServer
  /** For this machine only, beside TLS. */
  inner?: HttpServer
  publicUrls: readonly string[]
  relay?: Relay
  peering?: Peering
  releases?: Releases
  url: string
  /** Why the server is not ready. */
  reason: string | undefined
}

/** Nothing is open yet. @param emit told about every peer that comes, goes or is banned. */
export function createRun(options: SignalingOptions, emit: (event: RunEvent) => void): Run {
  const opened: Opened = { url: '', publicUrls: [], reason: 'starting' }
  const startedMs = performance.now()
  const log = logger(options)
  const gate = createPresenceGate({
    onBan(peer) {
      log('warn', 'peer-banned', 'disconnected for repeated malformed messages', dataOf(peer))
      emit({ type: 'peer-banned', peer })
      opened.relay?.disconnect(peer)
    },
  })

  /** Who it was, and from where if that is asked for. */
  function dataOf(peer: string): LogEntry['data'] {
    const address = options.logAddresses ? opened.relay?.addressOf(peer) : undefined
    return address === undefined ? { peer } : { peer, address }
  }

  const refused = refusalLog(log)

  function report(event: RelayEvent): void {
    if (event.type === 'peer-refused') refused(event.peer)
    else log('debug', event.type, '', dataOf(event.peer))
    emit(event)
  }

  const announced = () => gate.peers(performance.now())

  function snapshot(state: SignalingState): SignalingSnapshot {
    const peers = announced()
    return structuredClone({
      ...EMPTY_SNAPSHOT,
      state,
      reason: notReady(opened) ?? '',
      version: options.version,
      peerId: opened.relay?.peerId ?? '',
      url: opened.url,
      addresses: opened.relay?.addresses() ?? [],
      uptimeMs: performance.now() - startedMs,
      releases: countReleases(opened.releases, peers),
      refusedReleases: opened.releases?.refused.length ?? 0,
      peers: { announced: peers.length, byBackend: countBackends(peers) },
      relay: opened.relay?.snapshot() ?? EMPTY_SNAPSHOT.relay,
      servers: opened.peering?.counts() ?? EMPTY_SNAPSHOT.servers,
      gossip: gate.counts,
      http: mergeCounts([opened.http?.counts() ?? [], opened.inner?.counts() ?? []]),
    })
  }

  const bootstrap = () => bootstrapOf(opened, options, announced())
  const stateNow = () => (notReady(opened) ? 'starting' : 'ready')
  const standing = () => ({ snapshot: snapshot(stateNow()), peers: announced() })
  const watch = createSwarmWatch(standing, isClosed(options))

  return {
    async open() {
      const others = parsePeerWith(options.peerWith)
      const places = { ...resolveListening(options), ...readAnnounced(options.announce) }
      const metrics = atMostEvery(METRICS_MS, () => allMetrics(opened, snapshot(stateNow())))
      const told = { metrics, bootstrap, swarm: watch.view }
      const doors = await openHttp(opened, options, places, told)
      await loadModels(opened, options)
      const { link } = await openRelay(opened, options, places, gate, report)
      opened.reason = undefined
      const releases = () => opened.releases?.list.map(({ id }) => id) ?? []
      opened.peering = createPeering({ urls: others, link, swarm: swarmOf(options), releases, log })
      opened.peering.start()
      watch.start()
      return doors
    },
    async close() {
      opened.reason = 'stopping'
      watch.stop()
      await opened.peering?.stop()
      await Promise.all([opened.http?.close(), opened.inner?.close(), opened.relay?.stop()])
    },
    bootstrap,
    snapshot,
  }
}

/** Whether only some may know who is there. */
function isClosed({ swarmKey, allowList }: SignalingOptions): boolean {
  return swarmKey !== undefined || allowList !== undefined
}

/** What is told over HTTP. */
interface Told {
  metrics(): Promise<string>
  bootstrap(): Bootstrap
  swarm(): SwarmView
}

async function openHttp(
  opened: Opened,
  options: SignalingOptions,
  { host, port, urls }: Listening & Announced,
  { metrics, bootstrap, swarm }: Told,
): Promise<Doors> {
  const { pageDir, samplesDir, tls } = options
  await checkFolder('pageDir', pageDir)
  await checkFolder('samplesDir', samplesDir)
  const needs = {
    releases: () => opened.releases,
    upgrades: () => opened.relay?.takeSocket,
    notReady: () => notReady(opened),
    bootstrap: (isHere: boolean) =>
      withInvite(bootstrap(), isHere ? opened.publicUrls[0] : undefined),
    metrics,
    swarm,
    dashboard: { page: () => dashboardPage(swarm()), style: DASHBOARD_CSS },
    uploads:
      options.uploads === undefined
        ? undefined
        : createUploads(options.uploads, () => opened.releases),
    offer: (dir: string) => offerRelease(opened, options, dir),
    pageDir,
    samplesDir,
    compression: createCompressionCache(),
    tls,
    trustsProxy: options.trustsProxy,
    mayAsk: createVisitorLimit(),
    guesses: createGuessLimit(),
    seats: createSocketLimit(),
    backlog: createBacklog(HTTP_SILENT_MAX),
    metricsFor:
      typeof options.metricsFor === 'string'
        ? options.metricsFor
        : createToken(options.metricsFor.token),
  }
  const failed = (reason: string) => logger(options)('error', 'http-failed', reason)
  const http = createHttpServer(needs, failed)
  const taken = await http.listen(host, port)
  opened.http = http
  opened.url = urlOf(host, taken, tls !== undefined)
  opened.publicUrls = [...urls, ...publicUrls({ host, port: taken, cert: tls?.cert })]
  const doors = { port: taken, publicUrls: opened.publicUrls }
  if (!options.inner || tls === undefined) return { ...doors, innerUrl: opened.url }
  opened.inner = createHttpServer({ ...needs, tls: undefined, trustsProxy: false }, failed)
  const innerPort = await opened.inner.listen('127.0.0.1', 0)
  return { ...doors, innerUrl: urlOf('127.0.0.1', innerPort, false) }
}

function withInvite(bootstrap: Bootstrap, invite: string | undefined): Bootstrap {
  return invite === undefined ? bootstrap : { ...bootstrap, invite }
}

async function loadModels(opened: Opened, options: SignalingOptions): Promise<void> {
  const log = logger(options)
  opened.reason = 'checking the releases'
  const uploaded = options.uploads === undefined ? [] : await uploadedDirs(options.uploads)
  opened.releases = await loadReleases([...options.modelDirs, ...uploaded])
  for (const { message } of opened.releases.refused) log('warn', 'release-refused', message)
  for (const { id, manifest, dir } of opened.releases.list) {
    log('info', 'release-offered', `${manifest.name} from ${dir}`, { release: id })
  }
}

/** Checks a release that was uploaded, and offers it from now on. */
async function offerRelease(opened: Opened, options: SignalingOptions, dir: string): Promise<void> {
  const release = await loadRelease(dir)
  if (opened.releases === undefined) return
  opened.releases = withRelease(opened.releases, release)
  const { id, manifest } = release
  logger(options)('info', 'release-uploaded', `${manifest.name} to ${dir}`, { release: id })
}

async function openRelay(
  opened: Opened,
  options: SignalingOptions,
  listening: Listening & Announced,
  gate: PresenceGate,
  report: (event: RelayEvent) => void,
): Promise<Relay> {
  opened.reason = 'opening libp2p'
  const { host, tcpPort = 0, addresses: announce } = listening
  if (tcpPort !== 0) await checkPort(host, tcpPort)
  const identity = await loadIdentity(options.dataDir)
  const { relay: limits, version, swarmKey, allowList } = options
  const listen = multiaddrsOf(listening)
  try {
    const offers = (release: string) =>
      opened.releases?.list.some(({ id }) => topicRelease(id) === release) ?? false
    const diskOf = options.dataDir ?? tmpdir()
    const whom = { swarmKey, allowList, gate, offers }
    const needs = { identity, ...whom, listen, announce, limits, version, diskOf }
    const relay = await createRelay(needs, report)
    opened.relay = relay
    await relay.start()
    return relay
  } catch (error) {
    throw new SignalingError(
      { code: 'network-failed' },
      `libp2p did not start (${reasonOf(error)}); check the host and the ports`,
    )
  }
}

/** Of the swarm, of libp2p once it is there, and of the process. */
async function allMetrics({ relay }: Opened, snapshot: SignalingSnapshot): Promise<string> {
  const parts = [renderMetrics(snapshot), relay?.metrics() ?? '', processMetrics().metrics()]
  return (await Promise.all(parts)).join('')
}

function notReady({ reason, relay }: Opened): string | undefined {
  if (reason !== undefined) return reason
  return relay?.isStarted() === true ? undefined : 'libp2p is not running'
}

/** Says of whoever is turned away what to do about it, within REFUSALS_LOGGED. */
function refusalLog(log: ReturnType<typeof logger>): (peer: string) => void {
  const quota = createQuota({ ...REFUSALS_LOGGED, namesMax: 1 })
  return (peer) => {
    if (!quota.take('lines', performance.now())) return
    const text = `${peer} is not on the allow-list and was not let in; to invite it, add that line and send this process SIGHUP`
    log('warn', 'peer-refused', text, { peer })
  }
}

/** Which private swarm this is; undefined for one that is open to all. */
function swarmOf({ swarmKey }: Pick<SignalingOptions, 'swarmKey'>): string | undefined {
  return swarmKey && swarmId(swarmKey)
}

function bootstrapOf(
  { relay, releases, peering }: Opened,
  options: SignalingOptions,
  peers: readonly AnnouncedPeer[],
): Bootstrap {
  const { iceServers, allowList } = options
  const swarm = swarmOf(options)
  return {
    protocol: PROTOCOL_VERSION,
    peerId: relay?.peerId ?? '',
    ...(swarm === undefined ? {} : { swarm }),
    ...(allowList === undefined ? {} : { allowList: true }),
    others: peering?.met ?? [],
    addresses: relay?.addresses() ?? [],
    iceServers,
    releases: countReleases(releases, peers).map(({ id, name, publisher, lanes }) => {
      return { id, name, publisher, lanes }
    }),
  }
}

/** Writes log entries with less typing. */
export function logger({ log }: Pick<SignalingOptions, 'log'>) {
  return (
    level: LogEntry['level'],
    event: string,
    text: string,
    data: LogEntry['data'] = {},
  ): void => log({ level, event, text, data })
}

async function checkFolder(option: string, dir: string | undefined): Promise<void> {
  if (dir === undefined) return
  const found = await stat(dir).catch(() => undefined)
  if (found?.isDirectory() !== true) {
    throw new SignalingError({ code: 'bad-option', option }, `${option} ${dir} is not a folder`)
  }
}
