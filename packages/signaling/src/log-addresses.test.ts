import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { formatLog, type LogEntry } from './log.ts'
import { joinAsNewcomer } from './newcomer-fixture.ts'
import { writeRelease } from './release-fixture.ts'
import { createSignaling } from './signaling.ts'

let root: string
let model: string

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'layerswarm-log-'))
  model = join(root, 'tiny')
  await writeRelease(model, 'tiny')
})

afterAll(() => rm(root, { recursive: true }))

/** All that is logged, and measured, of somebody who comes. */
async function heardOfNewcomer(logAddresses: boolean) {
  const entries: LogEntry[] = []
  const log = (entry: LogEntry) => void entries.push(entry)
  const signaling = createSignaling({ port: 0, modelDirs: [model], log, logAddresses })
  const { url } = await signaling.start()
  const node = await joinAsNewcomer(url, 10_000)
  await vi.waitFor(() => expect(entries.map(({ event }) => event)).toContain('peer-connected'))
  const metrics = await (await fetch(`${url}/metrics`)).text()
  await node.stop()
  await signaling.stop()
  // What the server says of itself has its own address.
  const ofOthers = entries.filter(({ event }) => event.startsWith('peer-'))
  return { ofOthers, metrics, id: node.peerId.toString() }
}

test('a log names whoever comes by peer id, and says nothing of addresses', async () => {
  const { ofOthers, metrics, id } = await heardOfNewcomer(false)
  expect(ofOthers.map(({ data }) => data)).toContainEqual({ peer: id })
  for (const entry of ofOthers) {
    for (const line of [formatLog(entry), JSON.stringify(entry)])
      expect(line).not.toMatch(/127\.0\.0\.1|\/ip4\//)
  }
  expect(metrics).not.toContain(id)
  expect(metrics).not.toContain('127.0.0.1')
})

test('a log has the addresses of those who come when it is asked for them', async () => {
  const { ofOthers, metrics, id } = await heardOfNewcomer(true)
  expect(ofOthers.map(({ data }) => data)).toContainEqual({ peer: id, address: '127.0.0.1' })
  expect(metrics).not.toContain('127.0.0.1')
})
