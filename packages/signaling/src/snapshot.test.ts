import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { releaseId, signManifest } from '@layerswarm/model'
import { anyPresence } from '@layerswarm/swarm/testing'
import { expect, test } from 'vitest'
import type { AnnouncedPeer } from './presence-gate.ts'
import { writeRelease } from './release-fixture.ts'
import type { Releases } from './releases.ts'
import { countReleases } from './snapshot.ts'

test('of releases that mix each has the hosts of the lanes that they share, and peers of its own', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'layerswarm-snapshot-'))
  const first = await writeRelease(folder, 'first', 1)
  await rm(folder, { recursive: true })
  const { publisher: _, signature: __, ...unsigned } = first
  const mixes = [{ release: releaseId(first), accuracy: 0.9, own: 0.9, other: 0.9 }]
  const next = signManifest({ ...unsigned, name: 'next', mixes }, new Uint8Array(32).fill(1))
  const list = [next, first].map((manifest) => ({ id: releaseId(manifest), manifest }))
  const [release, weights] = [releaseId(first), releaseId(next)]
  const peers = [
    anyPresence({ release, layers: [0] }),
    anyPresence({ release, layers: [1], weights }),
    anyPresence({ release, layers: [1], weights }),
  ].map((presence, at): AnnouncedPeer => ({ peer: `p${at}`, presence, heardAtMs: 0 }))
  const [ofNext, ofFirst] = countReleases({ list } as unknown as Releases, peers)
  expect(ofNext).toMatchObject({ name: 'next', peers: 2, hosts: [1, 2], lanes: [] })
  expect([ofNext?.lanesOf, ofFirst?.lanesOf]).toEqual([release, release])
  expect(ofFirst).toMatchObject({ name: 'first', peers: 1, hosts: [1, 2] })
  expect(ofFirst?.lanes).toMatchObject([{ lane: 0, providers: 3, lacking: 0 }])
})
