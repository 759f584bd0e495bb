import { afterEach, expect, test, vi } from 'vitest'
import { countPeerConnections, peerConnectionsMade } from './rtc-count.browser.ts'

/** As much of a connection as is counted. */
class Connection {
  descriptions = 0
  async setLocalDescription(): Promise<void> {
    this.descriptions += 1
  }
}

afterEach(() => vi.unstubAllGlobals())

test('each connection counts once, however often it negotiates', async () => {
  vi.stubGlobal('RTCPeerConnection', Connection)
  countPeerConnections()
  countPeerConnections()
  const [one, other] = [new Connection(), new Connection()]
  const before = peerConnectionsMade()
  await one.setLocalDescription()
  await one.setLocalDescription()
  await other.setLocalDescription()
  expect(peerConnectionsMade() - before).toBe(2)
  expect([one.descriptions, other.descriptions]).toEqual([2, 1])
})

test('where there are no connections nothing is counted', () => {
  expect(() => countPeerConnections()).not.toThrow()
})
