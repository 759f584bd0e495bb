import {
  forward,
  type Manifest,
  type Part,
  partsOf,
  randomTensor,
  releaseId,
  rowsOf,
  sha256,
} from '@layerswarm/model'
import type { Answer, MemberEvent, ReleaseJudgement } from '@layerswarm/swarm'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { fetchBootstrap, fetchManifest } from './bootstrap.ts'
import { createNodeEngine } from './engines.node.ts'
import { createReleaseJudge, laneReleaseOf } from './lane-release.ts'
import type { PeerOptions } from './options.ts'
import { createPeer, type Peer } from './peer.ts'
import { eventually } from './testing/test-nodes.ts'
import {
  FILES,
  NEWER_FILES,
  offerRelease,
  PUBLISHER_KEY,
  startTestSwarm,
  type TestSwarm,
  TINY_SPEC,
} from './testing/test-swarm.ts'

const PREPROCESSING = { size: 8, channels: 1, mean: [0.5], std: [0.5], foreground: 'any' } as const
const FIGURES = { accuracy: 0.9, own: 0.9, other: 0.9 }

let swarm: TestSwarm
const started: Peer[] = []

beforeEach(async () => {
  swarm = await startTestSwarm()
})
afterEach(async () => {
  await Promise.all(started.splice(0).map((peer) => peer.stop()))
  await swarm.stop()
})

async function join(options: Partial<PeerOptions>): Promise<Peer> {
  const peer = createPeer({ join: swarm.join, engine: 'reference', webrtc: false, ...options })
  started.push(peer)
  await peer.start()
  return peer
}

/** Offers another release, that names these. */
function offer(
  name: string,
  mixesWith: readonly Manifest[],
  given: Partial<Manifest> = {},
  key = PUBLISHER_KEY,
): Manifest {
  const mixes = mixesWith.map((other) => ({ release: releaseId(other), ...FIGURES }))
  return offerRelease(swarm, { name, mixes, ...given }, key)
}

/** What comes of the layers that an answer names, each of its release. @param own files of whoever asked. */
async function scores(
  image: Parameters<typeof forward>[2],
  { route }: Answer,
  own: ReadonlyMap<Part, Uint8Array>,
  others: ReadonlyMap<Part, Uint8Array>,
): Promise<readonly number[]> {
  const engine = await createNodeEngine('reference', TINY_SPEC)
  const foreign = new Set(route.flatMap(({ layer, weights }) => (weights ? [layer] : [])))
  for (const part of partsOf(TINY_SPEC)) {
    const from = typeof part === 'number' && foreign.has(part) ? others : own
    await engine.load(part, from.get(part) ?? new Uint8Array())
  }
  const order = route.map(({ layer }) => layer)
  const logits = await forward(engine, TINY_SPEC, image, order)
  await engine.close()
  return [...(rowsOf(logits)[0] ?? [])]
}

describe('peers of two releases that mix', { timeout: 120_000 }, () => {
  test('share a lane, answer the askers of either, and say whose layers those were', async () => {
    const older = swarm.manifest
    const newer = offer('tiny', [older])
    const [olderId, newerId] = [releaseId(older), releaseId(newer)]
    // Two hosts of each layer, both of one release: nobody answers without layers of both.
    for (let i = 0; i < 2; i++) {
      await join({ release: olderId, serve: [0, 1] })
      await join({ release: newerId, serve: [2, 3] })
    }
    let recomputed = 0
    const outvoted: MemberEvent[] = []
    const askers = [
      { release: olderId, files: FILES, others: NEWER_FILES, other: newerId },
      { release: newerId, files: NEWER_FILES, others: FILES, other: olderId },
    ]
    const joined = []
    for (const of of askers)
      joined.push({ ...of, asker: await join({ release: of.release, serve: 'none' }) })
    for (const { asker, release, files, others, other } of joined) {
      asker.on((event) => {
        if (event.type === 'peer-outvoted') outvoted.push(event)
        if (event.type === 'recomputed') recomputed += event.layers
      })
      await eventually('coverage', () => asker.snapshot().coverage.every((hosts) => hosts > 1))
      const snapshot = asker.snapshot()
      expect(snapshot.release?.id).toBe(release)
      expect(snapshot.laneRelease?.id).toBe(olderId)
      expect(new Set(snapshot.peers.map((one) => one.release))).toEqual(new Set([olderId, newerId]))
      let foreign = 0
      for (let i = 0; i < 20; i++) {
        const image = randomTensor([1, 1, 8, 8], i)
        const answer = await (await asker.classify(image, { deadlineMs: 20_000 })).answer
        expect(answer.missingLayers).toEqual([])
        expect(answer.checked.doubted).toEqual([])
        const named = answer.route.flatMap(({ weights }) => weights ?? [])
        expect(named.every((one) => one === other)).toBe(true)
        foreign += named.length
        const wanted = await scores(image, answer, files, others)
        const farthest = Math.max(
          ...wanted.map((one, at) => Math.abs(one - (answer.logits[0]?.[at] ?? 0))),
        )
        // Activations travel in float16.
        expect(farthest).toBeLessThan(0.02)
      }
      expect(foreign).toBe(40)
    }
    expect(recomputed).toBeGreaterThan(0)
    expect(outvoted).toEqual([])
  })

  test('that hear of one that cannot be looked at, or does not mix, say so and go on without it', async () => {
    const stranger = offer('tiny', [], {
      mixes: [{ release: sha256(new Uint8Array()), ...FIGURES }],
    })
    const older = await join({ release: releaseId(swarm.manifest), serve: 'none' })
    expect(older.snapshot().laneRelease?.id).toBe(releaseId(swarm.manifest))
    const judge = createReleaseJudge(
      { urls: [new URL(`${swarm.join}/`)] },
      swarm.manifest,
      new AbortController().signal,
    )
    const judgementOf = (release: string) =>
      new Promise<ReleaseJudgement>((resolve) => judge(release, resolve))
    expect(await judgementOf(releaseId(stranger))).toMatchObject({
      fault: expect.stringContaining('does not name tiny'),
      isFinal: true,
    })
    expect(await judgementOf('ab'.repeat(32))).toMatchObject({ isFinal: false })
    const theirs = offer('tiny', [swarm.manifest], {}, new Uint8Array(32).fill(8))
    expect(await judgementOf(releaseId(theirs))).toMatchObject({
      fault: expect.stringContaining('does not trust'),
      isFinal: true,
    })
    expect(await judgementOf(releaseId(offer('tiny', [swarm.manifest])))).toEqual({
      fileDistance: 0,
    })
  })
})

describe('the lanes of a release', () => {
  async function homeOf(manifest: Manifest) {
    const url = new URL(`${swarm.join}/`)
    const bootstrap = await fetchBootstrap(url)
    const id = releaseId(manifest)
    const offered = bootstrap.releases.find((one) => one.id === id)
    if (offered === undefined) throw new Error('it is not offered')
    const { signal } = new AbortController()
    const read = await fetchManifest(url, offered, undefined, signal)
    const found = await laneReleaseOf({ url, bootstrap }, offered, read, signal)
    return { lane: found.id, note: found.note }
  }

  test('are those of the first of its line, where it names that', async () => {
    const first = swarm.manifest
    const second = offer('second', [first])
    const third = offer('third', [second, first])
    const lane = releaseId(first)
    const note = (name: string) =>
      `in the lanes of tiny ${lane.slice(0, 12)}, with which ${name} mixes`
    expect(await homeOf(first)).toEqual({ lane, note: undefined })
    expect(await homeOf(second)).toEqual({ lane, note: note('second') })
    expect(await homeOf(third)).toEqual({ lane, note: note('third') })
  })

  test('are its own where it names only one that is in the lanes of another', async () => {
    const second = offer('second', [swarm.manifest])
    const third = offer('third', [second])
    const note = `in lanes of its own: second ${releaseId(second).slice(0, 12)} is in the lanes of one that is not named`
    expect(await homeOf(third)).toEqual({ lane: releaseId(third), note })
  })

  test.each([
    [
      'another shape of pictures',
      { preprocessing: { ...PREPROCESSING, mean: [0.4] } },
      'otherwise',
    ],
    ['other classes', { labels: ['none', 'one', 'two'] }, 'other classes'],
  ])('are its own where it has %s', async (_, given, reason) => {
    const newer = offer('newer', [swarm.manifest], given)
    const { lane, note } = await homeOf(newer)
    expect(lane).toBe(releaseId(newer))
    expect(note).toContain(reason)
  })

  test('are its own where another publisher has signed it, or nobody offers what it names', async () => {
    const theirs = offer('theirs', [swarm.manifest], {}, new Uint8Array(32).fill(8))
    expect(await homeOf(theirs)).toMatchObject({ lane: releaseId(theirs) })
    const mixes = [{ release: sha256(new Uint8Array()), ...FIGURES }]
    const alone = offer('alone', [], { mixes })
    expect((await homeOf(alone)).note).toContain('cannot be had here')
  })
})
