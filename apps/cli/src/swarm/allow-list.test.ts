import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createPeer, PeerError } from '@layerswarm/peer'
import { createSignaling } from '@layerswarm/signaling'
import { createAllowList, peerIdOfKey } from '@layerswarm/swarm'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { followAllowList } from './allow-list.ts'

const soon = { timeout: 20_000, interval: 20 }
const ANN = peerIdOfKey(new Uint8Array(32).fill(1))
const BEN = peerIdOfKey(new Uint8Array(32).fill(2))

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'layerswarm-listed-'))
})
afterAll(() => rm(folder, { recursive: true }))

describe('an allow-list in a file', () => {
  test('is read again on SIGHUP, and stays as it was where the file has become none', async () => {
    const path = join(folder, 'friends')
    await writeFile(path, `${ANN}\n`)
    const lines: string[] = []
    const { allowList, close } = await followAllowList(path, ({ text }) => lines.push(text))
    try {
      expect([allowList?.admits(ANN), allowList?.admits(BEN)]).toEqual([true, false])
      await writeFile(path, `${BEN} # instead\n`)
      process.emit('SIGHUP')
      await vi.waitFor(() => expect(lines).toEqual([`${path} was read again: 1 peer`]), soon)
      expect([allowList?.admits(ANN), allowList?.admits(BEN)]).toEqual([false, true])
      await writeFile(path, 'everybody')
      process.emit('SIGHUP')
      await vi.waitFor(() => expect(lines).toHaveLength(2), soon)
      expect(lines[1]).toMatch(/is no allow-list: line 1 is "everybody" .* stays as it was$/)
      expect(allowList?.admits(BEN)).toBe(true)
    } finally {
      close()
    }
    expect(process.listenerCount('SIGHUP')).toBe(0)
  })

  test('that is missing or none is refused in a line', async () => {
    const missing = join(folder, 'nowhere')
    await expect(followAllowList(missing, () => undefined)).rejects.toThrow('does not exist')
    const path = join(folder, 'bad')
    await writeFile(path, 'ann')
    await expect(followAllowList(path, () => undefined)).rejects.toThrow(`${path} is no allow-list`)
  })
})

test('a peer that its server has not listed is told its own id, joins once it is listed, and is cut off after', {
  timeout: 60_000,
}, async () => {
  const allowList = createAllowList(new Set<string>())
  const model = fileURLToPath(new URL('../../../../models/fashion-vit', import.meta.url))
  const server = createSignaling({ port: 0, modelDirs: [model], allowList })
  const { url } = await server.start()
  const dataDir = join(folder, 'peer')
  const peer = createPeer({ join: url, serve: 'none', engine: 'ort-wasm', webrtc: false, dataDir })
  try {
    const error: unknown = await peer.start().catch((thrown: unknown) => thrown)
    if (!(error instanceof PeerError) || error.fault.code !== 'not-listed') throw error
    expect(error.message).toContain(`ask for ${error.fault.peer} to be added`)
    const said: string[] = []
    peer.on((event) => {
      if (event.type === 'server-changed') said.push(event.reason)
    })
    allowList.replace(new Set([error.fault.peer]))
    await peer.start()
    expect(peer.snapshot()).toMatchObject({ peerId: error.fault.peer, relay: 'connected' })
    allowList.replace(new Set())
    await vi.waitFor(() => expect(peer.snapshot().relay).toBe('lost'), soon)
    await vi.waitFor(() => expect(said.at(-1)).toContain('took this peer off its list'), soon)
  } finally {
    await peer.stop()
    await server.stop()
  }
})
