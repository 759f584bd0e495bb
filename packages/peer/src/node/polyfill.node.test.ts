import { createServer } from 'node:net'
import { expect, test } from 'vitest'
import './polyfill.node.ts'

test('a WebSocket that is refused while nobody listens ends no process', async () => {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : undefined
  await new Promise((resolve) => server.close(resolve))
  const uncaught: unknown[] = []
  const note = (error: unknown) => void uncaught.push(error)
  process.on('uncaughtException', note)
  try {
    const socket = new WebSocket(`ws://127.0.0.1:${port}`)
    await expect.poll(() => socket.readyState).toBe(WebSocket.CLOSED)
    await new Promise((resolve) => setImmediate(resolve))
  } finally {
    process.off('uncaughtException', note)
  }
  expect(uncaught).toEqual([])
})
