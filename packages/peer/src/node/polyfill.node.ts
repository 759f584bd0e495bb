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

if (typeof globalThis.WebSocket !== 'function') {
  Object.defineProperty(globalThis, 'WebSocket', {
    configurable: true,
    writable: true,
    // A browser's socket that fails while nobody listens is no exception; one of `ws` would end the
    // process, and libp2p lets go of a socket whose dial was aborted while it still connects.
    value: class extends WebSocket {
      constructor(...given: ConstructorParameters<typeof WebSocket>) {
        super(...given)
        this.addEventListener('error', () => undefined)
      }
    },
  })
}
