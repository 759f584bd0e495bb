import {
  createServer,
  type IncomingMessage,
  type Server,
  ServerResponse,
  STATUS_CODES,
} from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { type AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { type Backlog, networkOf } from '@layerswarm/swarm'
import type { Certificate } from '../certificate.ts'
import { reasonOf } from '../errors.ts'
import {
  HTTP_CHECK_INTERVAL_MS,
  HTTP_CONNECTIONS_MAX,
  HTTP_DRAIN_MS,
  HTTP_HEADER_BYTES_MAX,
  HTTP_IDLE_MS_MAX,
  HTTP_KEEP_ALIVE_MS,
  HTTP_REQUEST_MS_MAX,
  LISTEN_QUEUE_MAX,
  UPLOAD_REQUEST_MS_MAX,
} from '../limits.ts'
import { portError } from '../ports.ts'
import type { UpgradeHandler } from '../websocket/websocket-entry.ts'
import { sendAnswer } from './answer.ts'
import type { RequestCount, Route } from './request-count.ts'
import { type RouterNeeds, route } from './router.ts'
import { type Answerer, createTurns } from './turns.ts'
import { addressOf, type SocketLimit, type Visitor, visitorOf } from './visitor.ts'

const TOO_MANY = 'too many requests from this address, try again in a while\n'

/** The HTTP half of the server: page, releases, health and metrics. */
export interface HttpServer {
  /** Returns the port. @throws SignalingError `port-in-use`, `port-forbidden` or `bad-host`. */
  listen(host: string, port: number): Promise<number>
  /** Stops accepting, lets answers finish for HTTP_DRAIN_MS, then cuts what is left. */
  close(): Promise<void>
  counts(): RequestCount[]
}

/** What a server serves, and to whom it hands what is not for it. */
export interface HttpServerNeeds extends RouterNeeds {
  /** Who takes WebSockets; undefined as long as nobody does. */
  upgrades(): UpgradeHandler | undefined
  /** Whether a visitor may ask once more, now. */
  mayAsk(visitor: Visitor): boolean
  /** How many sockets each address holds. */
  readonly seats: SocketLimit
  /** Sockets that have asked for nothing yet. */
  readonly backlog: Backlog
  /** A proxy of the host's stands before it, and says who asks. */
  readonly trustsProxy: boolean
  /** Speaks TLS with this certificate. */
  readonly tls: Certificate | undefined
}

/** @param onFault called with one line when an answer failed for a reason of ours. */
export function createHttpServer(
  needs: HttpServerNeeds,
  onFault: (reason: string) => void,
): HttpServer {
  const counts = new Map<string, { route: Route; status: number; requests: number }>()

  function count(name: Route, status: number): void {
    const key = `${name} ${status}`
    const entry = counts.get(key) ?? { route: name, status, requests: 0 }
    entry.requests += 1
    counts.set(key, entry)
  }

  async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let name: Route = 'refused'
    try {
      const visitor = visitorOf(request, needs.trustsProxy)
      if (!needs.mayAsk(visitor)) {
        count(name, 429)
        response.writeHead(429, { 'retry-after': '10', connection: 'close' }).end(TOO_MANY)
        return
      }
      const routed = await route(request, visitor, needs)
      name = routed.route
      count(name, await sendAnswer(request, response, routed.answer))
    } catch (error) {
      // Whoever goes away in the middle of an upload is no fault of ours.
      if (!request.complete && request.destroyed) return count(name, 400)
      onFault(reasonOf(error))
      count(name, 500)
      if (response.headersSent) response.destroy()
      else response.writeHead(500, { 'content-type': 'text/plain' }).end('failed, see the log\n')
    }
  }

  const answer = (request: IncomingMessage, response: ServerResponse) =>
    void respond(request, response)
  const turns = createTurns(answer)
  const server = boundedServer(needs, turns.take)
  const sockets = socketsOf(server)
  // A proxy's sockets are those of everybody: it keeps count itself.
  if (!needs.trustsProxy) seat(server, needs.seats)
  keepWaiting(server, needs.backlog)
  // Node would refuse these out of their turn too; they may be answered as if they expected nothing (RFC 9110, 10.1.1).
  server.on('checkExpectation', turns.take)
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    // HTTP has let go of the socket, and would write what it still owes into whatever is spoken next.
    if (turns.isTaken(socket)) return socket.destroy()
    if (declines(request) && socket instanceof Socket) return answerOnce(request, socket, answer)
    const take = needs.upgrades()
    const visitor = visitorOf(request, needs.trustsProxy)
    const status = take === undefined ? 503 : needs.mayAsk(visitor) ? 101 : 429
    count('websocket', status)
    if (take !== undefined && status === 101) return take(request, socket, head, visitor.address)
    // HTTP has let go of the socket: nobody else hears of its end.
    socket.on('error', () => {})
    socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nconnection: close\r\n\r\n`)
  })

  return {
    listen: (host, port) =>
      new Promise((resolve, reject) => {
        const fail = (error: Error) => reject(portError(error, host, port))
        server.once('error', fail)
        server.listen({ port, host, backlog: LISTEN_QUEUE_MAX }, () => {
          server.off('error', fail)
          resolve((server.address() as AddressInfo).port)
        })
      }),
    close: () =>
      new Promise((resolve) => {
        const cut = setTimeout(() => {
          for (const socket of sockets) socket.destroy()
        }, HTTP_DRAIN_MS)
        server.close(() => {
          clearTimeout(cut)
          resolve()
        })
        server.closeIdleConnections()
      }),
    counts: () => [...counts.values()].map((entry) => ({ ...entry })),
  }
}

/** HTTP or HTTPS, within the bounds of limits.ts. */
function boundedServer(
  { tls, uploads }: Pick<HttpServerNeeds, 'tls' | 'uploads'>,
  answer: Answerer,
): Server {
  const bounds = {
    maxHeaderSize: HTTP_HEADER_BYTES_MAX,
    headersTimeout: HTTP_REQUEST_MS_MAX,
    connectionsCheckingInterval: HTTP_CHECK_INTERVAL_MS,
    // Only an upload has a body that takes long.
    requestTimeout: uploads === undefined ? HTTP_REQUEST_MS_MAX : UPLOAD_REQUEST_MS_MAX,
    keepAliveTimeout: HTTP_KEEP_ALIVE_MS,
    // Node would refuse those without one out of their turn: a route does.
    requireHostHeader: false,
  }
  const server: Server =
    tls === undefined
      ? createServer(bounds, answer)
      : createTlsServer({ ...bounds, ...tls, handshakeTimeout: HTTP_REQUEST_MS_MAX }, answer)
  server.maxConnections = HTTP_CONNECTIONS_MAX
  server.timeout = HTTP_IDLE_MS_MAX
  return server
}

/**
 * Whether an upgrade is to something that is not spoken here, as HTTP/2 clients ask for with `h2c`: such a
 * request is answered as if it had not asked (RFC 9110, 7.8).
 */
function declines({ method, headers }: IncomingMessage): boolean {
  const isRead = method === 'GET' || method === 'HEAD'
  return isRead && !/(^|[\s,])websocket([\s,/]|$)/i.test(headers.upgrade ?? '')
}

/** Answers a request of which HTTP has let go, and ends its connection with that. */
function answerOnce(request: IncomingMessage, socket: Socket, answer: Answerer): void {
  const response = new ServerResponse(request)
  response.shouldKeepAlive = false
  response.assignSocket(socket)
  response.once('finish', () => socket.end())
  // HTTP hears no more of when there is room for more.
  socket.on('drain', () => response.emit('drain'))
  // Nobody else hears of its end, or cuts it when nothing moves.
  socket.on('error', () => {})
  socket.setTimeout(HTTP_IDLE_MS_MAX, () => socket.destroy())
  answer(request, response)
}

/** Cuts the sockets of an address that holds too many. */
function seat(server: Server, seats: SocketLimit): void {
  server.on('connection', (socket: Socket) => {
    const address = addressOf(socket)
    if (seats.take(address)) socket.once('close', () => seats.giveBack(address))
    else socket.destroy()
  })
}

/** A socket waits until it has asked for something, and gives way to others until then. */
function keepWaiting(server: Server, backlog: Backlog): void {
  // By their other end: TLS makes sockets of its own from these.
  const waiting = new Map<string, () => void>()
  const placeOf = ({ remoteAddress, remotePort }: Socket) => `${remoteAddress} ${remotePort}`
  server.on('connection', (socket: Socket) => {
    const place = placeOf(socket)
    const leave = backlog.enter(networkOf(addressOf(socket)), () => socket.destroy())
    const end = () => {
      leave()
      if (waiting.get(place) === end) waiting.delete(place)
    }
    waiting.set(place, end)
    socket.once('close', end)
  })
  for (const event of ['request', 'upgrade'])
    server.prependListener(event, ({ socket }: IncomingMessage) => waiting.get(placeOf(socket))?.())
}

/** All of them, as they come and go: HTTP knows neither those that shake hands nor those handed on. */
function socketsOf(server: Server): ReadonlySet<Socket> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  return sockets
}
