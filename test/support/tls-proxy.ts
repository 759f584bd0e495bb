import { request as httpRequest, type IncomingMessage } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { connect } from 'node:net'
import { makeCertificate } from '@layerswarm/signaling'

/** A front that speaks TLS, as nginx or Caddy would. */
export interface TlsProxy {
  /** https://name:port/folder/ */
  readonly url: string
  /** The same for processes of this machine that trust `cert`, which is PEM: no name leads to it for them. */
  readonly localUrl: string
  readonly cert: string
  stop(): Promise<void>
}

/**
 * Passes what lies below a folder of `name` on to a server, WebSockets included, and takes the folder
 * away; like `location /swarm/ { proxy_pass http://127.0.0.1:9000/; }` of nginx.
 */
export async function startTlsProxy(name: string, folder: string, to: URL): Promise<TlsProxy> {
  const sockets = new Set<Socket>()
  const certificate = await makeCertificate([name, '127.0.0.1'])
  const server = createServer(certificate, (request, response) => {
    const path = below(request, folder)
    if (path === undefined) return void response.writeHead(404).end('outside')
    const { method, headers } = request
    const onward = httpRequest(new URL(path, to), { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
    })
    onward.on('error', () => response.destroy())
    request.pipe(onward)
  })
  server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    const path = below(request, folder)
    if (path === undefined) return void socket.end('HTTP/1.1 404 Not Found\r\n\r\n')
    const onward = connect(Number(to.port), to.hostname)
    for (const end of [onward, socket])
      end.on('error', () => [onward, socket].map((one) => one.destroy()))
    const lines = request.rawHeaders.flatMap((word, at, all) =>
      at % 2 === 0 ? [`${word}: ${all[at + 1]}`] : [],
    )
    onward.write(`GET ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`)
    onward.write(head)
    onward.pipe(socket).pipe(onward)
  })
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `https://${name}:${port}${folder}`,
    localUrl: `https://127.0.0.1:${port}${folder}`,
    cert: certificate.cert,
    stop() {
      for (const socket of sockets) socket.destroy()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}

function below({ url = '' }: IncomingMessage, folder: string): string | undefined {
  return url.startsWith(folder) ? `/${url.slice(folder.length)}` : undefined
}
