import { afterEach, expect, test, vi } from 'vitest'
import { countPeerConnections, peerConnectionsMade } from './rtc-count.browser.ts'

/** As much of a connection as is counted. */
class Connection extends EventTarget {}

afterEach(() => vi.unstubAllGlobals())

test('each connection counts once, as soon as somebody listens to it', () => {
  vi.stubGlobal('RTCPeerConnection', Connection)
  countPeerConnections()
  countPeerConnections()
  const [one, other] = [new Connection(), new Connection()]
  const before = peerConnectionsMade()
  const heard = vi.fn()
  one.addEventListener('connectionstatechange', heard)
  one.addEventListener('datachannel', heard)
  other.addEventListener('connectionstatechange', heard, { once: true })
  expect(peerConnectionsMade() - before).toBe(2)
  for (const connection of [one, other, other])
    connection.dispatchEvent(new Event('connectionstatechange'))
  expect(heard).toHaveBeenCalledTimes(2)
})

test('where there are no connections nothing is counted', () => {
  expect(() => countPeerConnections()).not.toThrow()
})
