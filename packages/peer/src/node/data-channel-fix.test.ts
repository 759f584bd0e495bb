import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { fixInitDataChannel } from './data-channel-fix.ts'

/** What of an RTCDataChannel matters here: its state and its events. */
class Channel extends EventTarget {
  readyState = 'connecting'

  become(state: 'open' | 'closed'): void {
    this.readyState = state
    this.dispatchEvent(new Event(state === 'open' ? 'open' : 'close'))
  }
}

class Connection extends EventTarget {
  connectionState = 'connecting'

  createDataChannel(_label: string): Channel {
    return new Channel()
  }
}

beforeEach(() => {
  // A fresh class each time: the fix changes its prototype.
  class Fresh extends Connection {
    override createDataChannel(label: string): Channel {
      return super.createDataChannel(label)
    }
  }
  vi.stubGlobal('RTCPeerConnection', Fresh)
  fixInitDataChannel(RTCPeerConnection)
  fixInitDataChannel(RTCPeerConnection)
})
afterEach(() => {
  vi.unstubAllGlobals()
})

function channel(label: string): Channel {
  const made: unknown = new RTCPeerConnection().createDataChannel(label)
  if (made instanceof Channel) return made
  throw new Error('the stub is not in place')
}

/** Counts the calls of a listener for `open`. */
function listen(to: Channel): { calls: number } {
  const heard = { calls: 0 }
  to.addEventListener('open', () => {
    heard.calls++
  })
  return heard
}

const soon = () => Promise.resolve()

describe('the init channel', () => {
  test('reports that it opened, once', async () => {
    const init = channel('init')
    const heard = listen(init)
    init.become('open')
    await soon()
    expect(heard.calls).toBe(1)
  })

  test('counts as opened when it was closed before anybody listened', async () => {
    const init = channel('init')
    init.become('closed')
    const heard = listen(init)
    await soon()
    expect(heard.calls).toBe(1)
  })

  test.each(['before', 'after'])(
    'tells of an error when its connection is lost %s somebody listens',
    async (when) => {
      const connection = new RTCPeerConnection()
      const init = connection.createDataChannel('init')
      const lose = () => {
        Object.assign(connection, { connectionState: 'closed' })
        connection.dispatchEvent(new Event('connectionstatechange'))
      }
      const heard: string[] = []
      if (when === 'before') lose()
      for (const type of ['open', 'error']) init.addEventListener(type, () => heard.push(type))
      if (when === 'after') lose()
      await soon()
      expect(heard).toEqual(['error'])
    },
  )

  test('ends the wait when it closes without having opened', () => {
    const init = channel('init')
    const heard = listen(init)
    init.become('closed')
    expect(heard.calls).toBe(1)
  })
})

describe('any other channel', () => {
  test('is left alone', async () => {
    const other = channel('data')
    other.become('closed')
    const heard = listen(other)
    await soon()
    expect(heard.calls).toBe(0)
  })
})
