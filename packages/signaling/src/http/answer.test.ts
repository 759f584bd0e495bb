import { createServer, type Server, type ServerResponse } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { afterEach, expect, test, vi } from 'vitest'
import { ANSWER_PIECE_BYTES } from '../limits.ts'
import { sendAnswer } from './answer.ts'

let server: Server
afterEach(() => {
  server.closeAllConnections()
  server.close()
})

test('an answer that nobody reads is held in a few pieces, and comes whole to who reads it later', async () => {
  const body = Buffer.alloc(32 << 20, 'layer ')
  let waiting: ServerResponse | undefined
  server = createServer((request, response) => {
    waiting = response
    void sendAnswer(request, response, { status: 200, headers: {}, body })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const socket = connect(port, '127.0.0.1').pause()
  socket.write('GET / HTTP/1.1\r\nhost: here\r\nconnection: close\r\n\r\n')
  await vi.waitFor(() => expect(waiting?.writableNeedDrain).toBe(true))
  expect(waiting?.writableLength).toBeLessThan(4 * ANSWER_PIECE_BYTES)
  const text = Buffer.concat(await socket.resume().toArray())
  expect(text.subarray(-body.length).equals(body)).toBe(true)
})
