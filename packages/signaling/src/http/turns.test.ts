import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { HTTP_REQUESTS_WAITING_MAX } from '../limits.ts'
import { createTurns } from './turns.ts'

interface Begun {
  readonly url: string | undefined
  answer(headers?: { connection: string }): void
}

const closers: (() => unknown)[] = []
afterEach(() => closers.splice(0).map((close) => close()))

/** A server that answers what it has begun when the test says so. */
async function open() {
  const begun: Begun[] = []
  const turns = createTurns(({ url }: IncomingMessage, response: ServerResponse) => {
    const answer = (headers = {}) => response.writeHead(200, headers).end(`answer to ${url}\n`)
    begun.push({ url, answer })
  })
  const server: Server = createServer(turns.take)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(
    () => server.close(),
    () => server.closeAllConnections(),
  )
  const { port } = server.address() as AddressInfo
  return { begun, ask: (...paths: string[]) => askAtOnce(port, paths) }
}

function askAtOnce(port: number, paths: readonly string[]): { socket: Socket; text(): string } {
  const socket = connect(port, '127.0.0.1').on('error', () => {})
  closers.push(() => socket.destroy())
  let text = ''
  socket.on('data', (bytes: Buffer) => {
    text += bytes.toString()
  })
  socket.write(paths.map((path) => `GET ${path} HTTP/1.1\r\nhost: here\r\n\r\n`).join(''))
  return { socket, text: () => text }
}

const numbered = (count: number) => Array.from({ length: count }, (_, at) => `/${at}`)

describe('the requests of one connection', () => {
  test('are begun one after the other, each when the answer before it has gone out', async () => {
    const { begun, ask } = await open()
    const { text } = ask('/a', '/b', '/c')
    for (const url of ['/a', '/b', '/c']) {
      await vi.waitFor(() => expect(begun.at(-1)?.url).toBe(url))
      const { length } = begun
      await new Promise((resolve) => setTimeout(resolve, 20))
      expect(begun).toHaveLength(length)
      begun.at(-1)?.answer()
      await vi.waitFor(() => expect(text()).toContain(`answer to ${url}\n`))
    }
    expect(begun).toHaveLength(3)
  })

  test('do not wait for those of another', async () => {
    const { begun, ask } = await open()
    ask('/slow', '/never')
    await vi.waitFor(() => expect(begun).toHaveLength(1))
    ask('/other')
    await vi.waitFor(() => expect(begun.map(({ url }) => url)).toEqual(['/slow', '/other']))
  })

  test('wait in a small number, and end the connection beyond it', async () => {
    const { begun, ask } = await open()
    const few = ask(...numbered(1 + HTTP_REQUESTS_WAITING_MAX))
    await vi.waitFor(() => expect(begun).toHaveLength(1))
    const many = ask(...numbered(2 + HTTP_REQUESTS_WAITING_MAX))
    await new Promise((resolve) => many.socket.once('close', resolve))
    expect(begun).toHaveLength(2)
    begun.splice(1)
    for (let at = 0; at <= HTTP_REQUESTS_WAITING_MAX; at++) {
      await vi.waitFor(() => expect(begun).toHaveLength(at + 1))
      begun.at(-1)?.answer()
    }
    const last = `answer to /${HTTP_REQUESTS_WAITING_MAX}\n`
    await vi.waitFor(() => expect(few.text()).toContain(last))
  })

  test('are not begun any more when it has closed, nor after an answer that ends it', async () => {
    const { begun, ask } = await open()
    const gone = ask('/gone', '/never')
    const ended = ask('/ended', '/never')
    await vi.waitFor(() => expect(begun).toHaveLength(2))
    gone.socket.destroy()
    const end = begun.find(({ url }) => url === '/ended')
    end?.answer({ connection: 'close' })
    await new Promise((resolve) => ended.socket.once('close', resolve))
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(begun).toHaveLength(2)
  })
})
