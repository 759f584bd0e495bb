import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const page = fileURLToPath(new URL('../../apps/web/dist/page', import.meta.url))
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
}

/** Any host of static files with the built page in a folder, and nothing of a swarm. */
export interface StaticHost {
  /** http://127.0.0.1:PORT/folder/ */
  readonly url: string
  stop(): Promise<void>
}

export async function startStaticHost(folder: string): Promise<StaticHost> {
  const server = createServer(async ({ url = '' }, response) => {
    const [path = ''] = url.split('?')
    const name = path === folder ? 'index.html' : path.slice(folder.length)
    const bytes = path.startsWith(folder)
      ? await readFile(join(page, name)).catch(() => undefined)
      : undefined
    const type = TYPES[extname(name)] ?? 'application/octet-stream'
    response.writeHead(bytes === undefined ? 404 : 200, { 'content-type': type }).end(bytes)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${folder}`,
    stop() {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}
