/**
 * libp2p 3 calls `Promise.withResolvers` and dials WebSockets through a global `WebSocket`; Node 20
 * has neither. Imported before anything of libp2p; Node 22 and later lose nothing by it.
 */
import { WebSocket } from 'ws'

if (!('withResolvers' in Promise)) {
  Object.defineProperty(Promise, 'withResolvers', {
    configurable: true,
    writable: true,
    value<T>() {
      let resolve: ((value: T | PromiseLike<T>) => void) | undefined
      let reject: ((reason?: unknown) => void) | undefined
      const promise = new Promise<T>((onResolve, onReject) => {
        resolve = onResolve
        reject = onReject
      })
      return { promise, resolve, reject }
    },
  })
}

/**
 * A browser's WebSocket tells of an error to those who listen; that of `ws` ends the process when nobody
 * does. libp2p stops listening when it gives up a dial, and the error of that one comes afterwards.
 */
class QuietWebSocket extends WebSocket {
  constructor(url: string | URL, protocols?: string | string[]) {
    super(url, protocols)
    this.addEventListener('error', () => {})
  }
}

if (typeof globalThis.WebSocket !== 'function') {
  Object.defineProperty(globalThis, 'WebSocket', {
    configurable: true,
    writable: true,
    value: QuietWebSocket,
  })
}
