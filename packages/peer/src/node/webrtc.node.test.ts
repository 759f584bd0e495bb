import { describe, expect, test, vi } from 'vitest'
import { createTestNode } from '../testing/test-nodes.ts'
import { nativeIceServers, openWebRtc } from './webrtc.node.ts'

describe('WebRTC in Node', () => {
  test('ends its threads with the last node that speaks it, once', async () => {
    const cleanup = vi.fn()
    const connections = { prototype: { createDataChannel: () => new EventTarget() } }
    const channels = { prototype: { close: () => undefined } }
    const classes = { RTCPeerConnection: connections, RTCDataChannel: channels }
    const modules = { native: { cleanup }, connections: classes }
    const load = async () => ({ ...modules, transport: { webRTC: () => undefined } }) as never
    const [one, other] = [
      await openWebRtc(
        [],
        () => true,
        () => true,
        load,
      ),
      await openWebRtc(
        [],
        () => true,
        () => true,
        load,
      ),
    ]
    one.close()
    one.close()
    expect(cleanup).not.toHaveBeenCalled()
    other.close()
    expect(cleanup).toHaveBeenCalledOnce()
  })

  test('writes credentials into URLs so that what they hold does not end them', () => {
    const servers = [
      { urls: 'stun:stun.example:3478' },
      { urls: 'stuns:stun.example:5349' },
      { urls: 'turn:turn.example:3478', username: 'a:b@c', credential: 'x/y%z' },
    ]
    expect(nativeIceServers(servers)).toEqual([
      { urls: ['stun:stun.example:3478'] },
      { urls: ['turn:turn.example:3478'], username: 'a%3Ab%40c', credential: 'x%2Fy%25z' },
    ])
  })
})

describe('a system for which WebRTC is not made', () => {
  test('has a peer without it, which says so in one line', async () => {
    vi.doMock('node-datachannel', () => {
      throw new Error('no binary for this system\nRequire stack: …')
    })
    const lines: string[] = []
    const { node, ways } = await createTestNode({ webrtc: true, say: (line) => lines.push(line) })
    await node.stop()
    vi.doUnmock('node-datachannel')
    expect(ways.reservation).toBe('none')
    expect(ways.canDial('/p2p/r/p2p-circuit/webrtc/p2p/x')).toBe(false)
    expect(lines).toHaveLength(1)
    expect(lines[0]).toMatch(/^no WebRTC, so tabs on https pages and peers .* this one: /)
    expect(lines[0]).not.toContain('\n')
  })
})
