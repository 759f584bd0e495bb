import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { gzipSync } from 'node:zlib'
import { PROTOCOL_VERSION } from '@layerswarm/swarm'
import { afterEach, describe, expect, test } from 'vitest'
import { PEERING_DOCUMENT_BYTES_MAX } from '../limits.ts'
import { readServer } from './other-server.ts'

const closers: (() => unknown)[] = []
afterEach(() => closers.splice(0).map((close) => close()))

async function serve(answer: RequestListener): Promise<URL> {
  const server = createServer(answer)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(
    () => server.close(),
    () => server.closeAllConnections(),
  )
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/swarm/`)
}

const says =
  (text: string): RequestListener =>
  (_, response) =>
    response.end(text)
const read = (url: URL) => readServer(url, new AbortController().signal)

describe('another server', () => {
  test('is known by its peer id and its releases, whatever else it says', async () => {
    const peerId = `12D3KooW${'b'.repeat(44)}`
    const releases = [{ id: 'one' }, 7, null, { id: 8 }, { id: 'two' }]
    const url = await serve(says(JSON.stringify({ protocol: PROTOCOL_VERSION, peerId, releases })))
    expect(await read(url)).toEqual({ peerId, releases: ['one', 'two'] })
  })

  test.each([
    ['<!doctype html>', 'is not JSON; is it a signaling server?'],
    ['null', 'is of another kind; is it a signaling server?'],
    ['{"protocol":{"toString":1,"valueOf":1}}', 'is of another kind; is it a signaling server?'],
    [
      `{"protocol":${'['.repeat(50_000)}${']'.repeat(50_000)}}`,
      'is of another kind; is it a signaling server?',
    ],
    ['{"protocol":999}', 'it speaks protocol 999 and this server'],
    [`{"protocol":${PROTOCOL_VERSION},"peerId":"x","releases":[]}`, 'names no peer id'],
  ])('that says %.30s is refused in one line', async (text, words) => {
    await expect(read(await serve(says(text)))).rejects.toThrow(words)
  })

  test('is not looked for where it sends on to, and the line names that', async () => {
    let asked = 0
    const url = await serve((_, response) => {
      asked++
      response.writeHead(302, { location: 'https://two.example/swarm/bootstrap.json' }).end()
    })
    await expect(read(url)).rejects.toThrow(
      'it sends on to https://two.example/swarm/; name that address',
    )
    expect(asked).toBe(1)
  })

  test('that sends too much, also once it is unpacked, or breaks off is refused in one line', async () => {
    const bomb = gzipSync(Buffer.alloc(8 * PEERING_DOCUMENT_BYTES_MAX))
    const packed = await serve((_, response) =>
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb),
    )
    await expect(read(packed)).rejects.toThrow(`longer than ${PEERING_DOCUMENT_BYTES_MAX} bytes`)
    const torn = await serve((_, response) => {
      response.writeHead(200, { 'content-length': 100 })
      response.write('{', () => response.destroy())
    })
    await expect(read(torn)).rejects.toThrow('it does not answer (')
  })

  test('that sends byte by byte is given up after a while', { timeout: 60_000 }, async () => {
    // What nothing holds is thrown away meanwhile, timers of signals too.
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    const url = await serve((_, response) => {
      response.write('{')
      const dripping = setInterval(() => {
        response.write(' ')
        collect()
      }, 100)
      response.once('close', () => clearInterval(dripping))
    })
    await expect(read(url)).rejects.toThrow('it does not answer (nothing whole within 5 s)')
  })
})
