import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'

/** Stands between a browser and a server, and counts what crosses the network towards the browser. */
export interface CountingProxy {
  readonly url: string
  /** Bytes towards the browser, heads included. */
  readonly bytes: number
  stop(): Promise<void>
}

/** @param target of plain http. */
export async function startCountingProxy(target: string): Promise<CountingProxy> {
  const { hostname, port } = new URL(target)
  let bytes = 0
  const open = new Set<{ destroy(): void }>()
  const server = createServer((near) => {
    const far = connect(Number(port), hostname)
    for (const socket of [near, far]) {
      open.add(socket)
      socket.on('error', () => socket.destroy())
      socket.on('close', () => open.delete(socket))
    }
    far.on('data', (chunk) => {
      bytes += chunk.length
    })
    near.pipe(far)
    far.pipe(near)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get bytes() {
      return bytes
    },
    async stop() {
      for (const socket of open) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
