import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'layerswarm-types-'))
  const scope = join(folder, 'node_modules/@layerswarm')
  await mkdir(scope, { recursive: true })
  for (const name of await readdir(join(root, 'packages')))
    await symlink(join(root, 'packages', name), join(scope, name))
})
afterAll(() => rm(folder, { recursive: true }))

/** Everything that a program may use, with the types that come with it and those of no other package. */
const PROGRAM = `
import { createPeer, type Peer } from '@layerswarm/peer'
import type { PeerSnapshot } from '@layerswarm/peer/snapshot'
import { createSignaling, renderMetrics, type SignalingSnapshot } from '@layerswarm/signaling'
import { simulate } from '@layerswarm/lab'
import { parseManifest } from '@layerswarm/model'
import * as figures from '@layerswarm/figures'
import * as swarm from '@layerswarm/swarm'
import * as testing from '@layerswarm/swarm/testing'
import * as trainer from '@layerswarm/trainer'
const signaling = createSignaling({ port: 0, log: ({ level, event }) => void [level, event] })
const { url } = await signaling.start()
const seen: SignalingSnapshot = signaling.snapshot()
export const metrics: string = await renderMetrics(seen)
export const busy: number = seen.http.reduce((sum, { requests }) => sum + requests, seen.relay.reservations)
const peer: Peer = createPeer({ join: url, serve: 'none' })
export const snapshot: PeerSnapshot = peer.snapshot()
export const all = [simulate, parseManifest, figures, swarm, testing, trainer]
`

test('a strict program that checks every declaration needs no types of libp2p or of Node', async () => {
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }')
  await writeFile(join(folder, 'program.ts'), PROGRAM)
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  // Without following the links, or what is installed in this repository would be found.
  const flags =
    '--noEmit --strict --skipLibCheck false --preserveSymlinks --exactOptionalPropertyTypes ' +
    '--target es2023 --lib es2023,dom,esnext.disposable --types --module nodenext'
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [tsc, ...flags.split(' '), 'program.ts'],
    { cwd: folder },
  ).catch((error: { stdout: string }) => error)
  expect(stdout).toBe('')
})
