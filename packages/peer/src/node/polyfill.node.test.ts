import './polyfill.node.ts'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { expect, test } from 'vitest'

test('a WebSocket that fails when nobody listens any more does not end the process', async () => {
  // Hangs up on every handshake; an error that is not heard would fail this test as uncaught.
  const server = createServer((socket) => socket.resetAndDestroy())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/`
  const reset = new WebSocket(url)
  const given = new WebSocket(url)
  given.close()
  const ends = [reset, given].map(
    (socket) => new Promise((resolve) => socket.addEventListener('close', resolve)),
  )
  await Promise.all(ends)
  expect([reset.readyState, given.readyState]).toEqual([WebSocket.CLOSED, WebSocket.CLOSED])
  await new Promise((resolve) => server.close(resolve))
})
