import {
  fileDistanceOf,
  laneReleaseIn,
  type Manifest,
  mixFault,
  type Sha256,
} from '@layerswarm/model'
import type { LaneCount, MemberOptions, ReleaseJudgement } from '@layerswarm/swarm'
import { fetchManifest, type OfferedRelease } from './bootstrap.ts'
import { PeerError } from './errors.ts'
import { LINEAGE_FETCHES_MAX } from './limits.ts'
import type { Answer, Servers } from './servers/servers.ts'

/** The release whose lanes a peer is in: its own, or an older one with which that mixes. */
export interface LaneRelease {
  readonly id: Sha256
  readonly manifest: Manifest
  /** The peer's own release, where it is in another's lanes. */
  readonly weights: Sha256 | undefined
  /** The lanes in which somebody is; undefined when the server does not say. */
  readonly lanes: readonly LaneCount[] | undefined
  /** In one line, whose lanes these are, or why they are its own although it names others; undefined where it names none. */
  readonly note: string | undefined
}

/**
 * In whose lanes the peers of a release are, of those that a server offers (`laneReleaseIn` of packages/model): the
 * manifests that it names are read from there, and those that they name, LINEAGE_FETCHES_MAX at most.
 * @throws the signal's reason.
 */
export async function laneReleaseOf(
  { url, bootstrap }: Answer,
  offered: OfferedRelease,
  manifest: Manifest,
  signal: AbortSignal,
): Promise<LaneRelease> {
  const { publisher } = manifest
  const read = new Map<Sha256, Manifest>()
  const named = (by: Manifest) => (by.mixes ?? []).map(({ release }) => release)
  const wanted = named(manifest)
  for (let fetches = 0; wanted.length > 0 && fetches < LINEAGE_FETCHES_MAX; ) {
    const id = wanted.shift()
    const one = bootstrap.releases.find((release) => release.id === id)
    if (one === undefined || one.publisher !== publisher || read.has(one.id)) continue
    fetches++
    const found = await fetchManifest(url, one, [publisher], signal).catch(() => undefined)
    signal.throwIfAborted()
    if (found === undefined) continue
    read.set(one.id, found)
    wanted.push(...named(found))
  }
  const { id, reasons } = laneReleaseIn(manifest, (release) => read.get(release))
  const home = read.get(id)
  const lanes = bootstrap.releases.find((one) => one.id === id)?.lanes
  if (home === undefined) {
    const note = reasons[0] && `in lanes of its own: ${reasons[0]}`
    return { id: offered.id, manifest, weights: undefined, lanes, note }
  }
  const note = `in the lanes of ${home.name} ${id.slice(0, 12)}, with which ${manifest.name} mixes`
  return { id, manifest: home, weights: offered.id, lanes, note }
}

/** Judges releases whose layers others in the lane say they have: reads their manifests from the servers, by their hashes. */
export function createReleaseJudge(
  servers: Pick<Servers, 'urls'>,
  lane: Manifest,
  signal: AbortSignal,
): NonNullable<MemberOptions['judgeRelease']> {
  async function judge(id: Sha256): Promise<ReleaseJudgement> {
    let judgement: ReleaseJudgement = { fault: 'no server could be asked for it', isFinal: false }
    for (const url of servers.urls) {
      judgement = await judgeAt(url, id, lane, signal)
      if ('fileDistance' in judgement || judgement.isFinal) break
    }
    return judgement
  }

  return (release, judged) => {
    void judge(release as Sha256).then((judgement) => {
      if (!signal.aborted) judged(judgement)
    })
  }
}

async function judgeAt(
  url: URL,
  id: Sha256,
  lane: Manifest,
  signal: AbortSignal,
): Promise<ReleaseJudgement> {
  const { publisher } = lane
  const offered = { id, name: id.slice(0, 12), publisher, lanes: undefined }
  try {
    const manifest = await fetchManifest(url, offered, [publisher], signal)
    const fault = mixFault(manifest, lane)
    return fault === undefined
      ? { fileDistance: fileDistanceOf(manifest) }
      : { fault, isFinal: true }
  } catch (error) {
    const isFinal = error instanceof PeerError && error.fault.code === 'untrusted-publisher'
    return { fault: error instanceof Error ? error.message : String(error), isFinal }
  }
}
