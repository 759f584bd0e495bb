import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { fetchSamples } from './swarm-samples.ts'

/** Two grey images of 2 × 2, and their classes, as idx files. */
const FILES: Record<string, Uint8Array> = {
  '/samples/images.idx3-ubyte': Uint8Array.of(
    ...[0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 2],
    ...[0, 1, 2, 3, 4, 5, 6, 7],
  ),
  '/samples/labels.idx1-ubyte': Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 2, 0, 1),
}

let server: Server
let there: URL
beforeAll(async () => {
  server = createServer(({ url = '' }, response) => {
    const file = FILES[url]
    response.statusCode = file === undefined ? 404 : 200
    response.end(file)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  there = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
})
afterAll(() => new Promise((resolve) => server.close(resolve)))

describe('the samples of a swarm', () => {
  test('come from the first server that has them', async () => {
    const servers = [new URL('nothing/', there), there]
    const { count, size, labels } = await fetchSamples(servers, { size: 2, channels: 1 })
    expect([count, size, ...labels]).toEqual([2, 2, 0, 1])
  })

  test.each([
    [{ size: 2, channels: 3 }, 'this model takes colour pictures of 2 × 2'],
    [{ size: 4, channels: 1 }, 'this model takes grey pictures of 4 × 4'],
  ] as const)('are refused by a model that takes %j', async (input, takes) => {
    await expect(fetchSamples([there], input)).rejects.toThrow(
      `the samples are grey pictures of 2 × 2, and ${takes}; ask about pictures of your own`,
    )
  })

  test('are missed where no server has them', async () => {
    const [none, input] = [new URL('nothing/', there), { size: 2, channels: 1 }] as const
    await expect(fetchSamples([none], input)).rejects.toThrow('this swarm offers no samples')
    await expect(fetchSamples([], input)).rejects.toThrow('no server of the swarm can be reached')
  })
})
