import { isSha256 } from '@layerswarm/model'
import {
  createPeer,
  createRollingPeer,
  PeerError,
  type PeerOptions,
  type PeerSnapshot,
  type RollingEvent,
  type RollingPeer,
} from '@layerswarm/peer'
import type { Log, LogEntry } from '@layerswarm/signaling'
import { createQuota } from '@layerswarm/swarm'
import { usageError } from '../cli-error.ts'
import { REFUSALS_LOGGED, SERVED_REPORT_INTERVAL_MS } from '../limits.ts'
import { untilAborted } from '../until-aborted.ts'
import { heldBack } from './held-back.ts'
import { describeServer } from './join-swarm.ts'
import { answerMemoryQuestions } from './memory-question.ts'

/** The peer to run, and how it is stopped. */
export interface ServeNeeds {
  readonly options: Partial<PeerOptions> & Pick<PeerOptions, 'join' | 'serve'>
  readonly signal: AbortSignal
  readonly log: Log
  /** Told once it is part of the swarm. */
  joined(): void
}

/**
 * Serves a swarm until the signal, or until the process that started this one with an IPC channel
 * is gone. @returns what the peer did, as it was when it left. @throws PeerError, CliError `bad-usage`.
 */
export async function serve({ options, signal, log, joined }: ServeNeeds): Promise<PeerSnapshot> {
  const ending = AbortSignal.any([signal, parentGone()])
  const peer = followsRelease(options) ? createRollingPeer(options) : createPeer(options)
  const failures = heldBack(tell)
  peer.on((event: RollingEvent) => {
    if (isOffline(event) || isAway(event)) failures.tell(event)
    else tell(event)
  })
  function tell(event: RollingEvent): void {
    const line = describeEvent(event)
    if (line !== undefined) {
      log({ level: levelOf(event), event: event.type, text: line, data: {} })
    }
  }
  const reporting = reportWork(peer, log)
  reportRefusals(peer, log)
  answerMemoryQuestions()
  try {
    await peer.start(ending)
    joined()
    failures.release()
    log(describeEngine(peer.snapshot()))
    await untilAborted(ending)
    return peer.snapshot()
  } catch (error) {
    // Told to stop while joining: that is a stop, not a failure.
    if (ending.aborted) return peer.snapshot()
    throw asUsage(error)
  } finally {
    clearInterval(reporting)
    await peer.stop()
  }
}

/** Who is turned away, in a few lines: identities cost nothing. */
function reportRefusals(peer: Pick<RollingPeer, 'on'>, log: Log): void {
  const quota = createQuota({ ...REFUSALS_LOGGED, namesMax: 1 })
  peer.on((event) => {
    if (event.type !== 'peer-refused' || !quota.take('lines', performance.now())) return
    const text = `${event.peer} is not on the allow-list and was not connected to; to let it in, add that line and send this process SIGHUP`
    log({ level: 'warn', event: event.type, text, data: { peer: event.peer } })
  })
}

function isOffline(event: RollingEvent): boolean {
  return event.type === 'state-changed' && event.state === 'offline'
}

function isAway(event: RollingEvent): boolean {
  return event.type === 'server-changed' && event.state !== 'met'
}

/** Who names its layers, or one release by its id, wants just these. */
function followsRelease({ serve, release }: ServeNeeds['options']): boolean {
  return serve === 'auto' && !isSha256(release)
}

/** What is wrong with `serve` is wrong with the flag. */
function asUsage(error: unknown): unknown {
  if (!(error instanceof PeerError) || error.fault.code !== 'bad-options') return error
  return error.fault.field === 'serve' ? usageError(`--layers: ${error.message}`) : error
}

/** What this machine lends, for whoever wonders whether onnxruntime-node is used. */
function describeEngine({ backend = 'reference', layerFiles }: PeerSnapshot): LogEntry {
  const { dtype = '', reason = '' } = layerFiles ?? {}
  const text = `computing with ${backend}, layers in ${dtype} (${reason})`
  return { level: 'info', event: 'engine', text, data: { backend, layerFiles: dtype } }
}

/** Aborts when the parent process closes its IPC channel, which the system does when it dies. */
function parentGone(): AbortSignal {
  const gone = new AbortController()
  if (process.channel) process.once('disconnect', () => gone.abort())
  return gone.signal
}

function reportWork(peer: Pick<RollingPeer, 'snapshot'>, log: Log): NodeJS.Timeout {
  let reported = 0
  let refusal: string | undefined
  let problem: string | undefined
  return setInterval(() => {
    const { served, layerMs, peers, refused, storage } = peer.snapshot()
    if (storage.problem !== undefined && storage.problem !== problem) {
      log({ level: 'warn', event: 'storage', text: storage.problem, data: {} })
    }
    problem = storage.problem
    if (refused.last !== undefined && refused.last !== refusal) {
      log({ level: 'warn', event: 'refused', text: refused.last, data: {} })
    }
    refusal = refused.last
    if (served === reported) return
    reported = served
    const connected = peers.filter(({ connection }) => connection === 'direct').length
    const whom = `connected to ${connected} of ${peers.length} peers`
    log({
      level: 'info',
      event: 'served',
      text: `served ${served} hops, ${layerMs.toFixed(1)} ms per layer, ${whom}`,
      data: { served, layerMs, connected, peers: peers.length },
    })
  }, SERVED_REPORT_INTERVAL_MS)
}

const WARNED: ReadonlySet<RollingEvent['type']> = new Set([
  'hop-failed',
  'layer-refused',
  'release-refused',
  'release-skipped',
])

/** What went wrong is worth a warning, all else is how things go. */
function levelOf(event: RollingEvent): LogEntry['level'] {
  const { type } = event
  if (type === 'server-changed') return event.state === 'met' ? 'info' : 'warn'
  return WARNED.has(type) ? 'warn' : 'info'
}

/** A line for the notable events; hops, steps and the coming and going of others are not. */
function describeEvent(event: RollingEvent): string | undefined {
  switch (event.type) {
    case 'state-changed':
      return `${event.state}: ${event.reason}`
    case 'server-changed':
      return describeServer(event)
    case 'layers-changed':
      return `hosting layers ${event.hosted.join(', ') || 'none'}`
    case 'layer-refused':
      return `layer ${event.layer} cannot be hosted: ${event.reason}`
    case 'hop-failed':
      return `hop ${event.hop} (layer ${event.layer}) failed: ${event.reason}`
    case 'release-changed':
      return event.isShared
        ? `a newer release: serving ${event.to.slice(0, 12)} in the lane of ${event.from.slice(0, 12)}`
        : `a newer release: serving ${event.to.slice(0, 12)}, finishing the requests of ${event.from.slice(0, 12)}`
    case 'release-mixed':
      return `layers of release ${event.release.slice(0, 12)} may stand in for those of this lane`
    case 'release-skipped':
      return `layers of release ${event.release.slice(0, 12)} are left out: ${event.reason}`
    case 'release-left':
      return `left release ${event.release.slice(0, 12)}`
    case 'release-refused':
      return `the newer release ${event.release.slice(0, 12)} cannot be served: ${event.reason}`
    default:
      return undefined
  }
}
