/**
 * libp2p calls `Promise.withResolvers`, which Node has from version 22 on.
 * Every module that imports libp2p imports this one first.
 */
if (!('withResolvers' in Promise)) {
  Object.defineProperty(Promise, 'withResolvers', {
    configurable: true,
    writable: true,
    value: function withResolvers<T>(this: PromiseConstructor) {
      let resolve: (value: T | PromiseLike<T>) => void = () => {}
      let reject: (reason?: unknown) => void = () => {}
      const promise = new this<T>((ok, bad) => {
        resolve = ok
        reject = bad
      })
      return { promise, resolve, reject }
    },
  })
}

export {}
