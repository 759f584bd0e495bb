import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { HTTP_REQUESTS_WAITING_MAX } from '../limits.ts'

/** Answers a request; it may take as long as it likes. */
export type Answerer = (request: IncomingMessage, response: ServerResponse) => void

/**
 * The requests of each connection, one after the other. Node alone hands on all that stand in one read of 64 KiB,
 * a thousand of them, and keeps the answers of all.
 *
 * 1. A request is begun when the answer to the one before it has left for the system.
 * 2. Behind the one under way HTTP_REQUESTS_WAITING_MAX wait; one more, and the connection is cut.
 * 3. What waits when its connection closes is never begun.
 */
export interface Turns {
  take(request: IncomingMessage, response: ServerResponse): void
  /** Whether an answer is under way on a connection. */
  isTaken(socket: Duplex): boolean
}

/** Nobody has asked yet. */
export function createTurns(answer: Answerer): Turns {
  const lines = new WeakMap<Duplex, (readonly [IncomingMessage, ServerResponse])[]>()

  function begin(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request
    response.once('close', () => next(socket))
    answer(request, response)
  }

  function next(socket: Duplex): void {
    // Not after an answer that ends the connection either.
    const following = socket.writable ? lines.get(socket)?.shift() : undefined
    if (following === undefined) lines.delete(socket)
    else begin(...following)
  }

  return {
    take(request, response) {
      const { socket } = request
      // The rest of a read is handed on although its connection was cut.
      if (socket.destroyed) return
      const waiting = lines.get(socket)
      if (waiting === undefined) {
        lines.set(socket, [])
        begin(request, response)
      } else if (waiting.length < HTTP_REQUESTS_WAITING_MAX) waiting.push([request, response])
      else socket.destroy()
    },
    isTaken: (socket) => lines.has(socket),
  }
}
