import type { MessagePort, Worker } from 'node:worker_threads'
import type { Endpoint } from 'comlink'

/** Comlink's end of a Node worker or of its parent port; comlink's own adapter comes without types. */
export function nodeEndpoint(port: Worker | MessagePort): Endpoint {
  const listeners = new Map<object, (data: unknown) => void>()
  return {
    postMessage: (message, transferred = []) =>
      port.postMessage(message, transferred as readonly ArrayBuffer[]),
    addEventListener: (_type, target) => {
      const deliver = (data: unknown) => {
        const event = { data } as MessageEvent
        if (typeof target === 'function') target(event)
        else target.handleEvent(event)
      }
      listeners.set(target, deliver)
      port.on('message', deliver)
    },
    removeEventListener: (_type, target) => {
      const deliver = listeners.get(target)
      listeners.delete(target)
      if (deliver !== undefined) port.off('message', deliver)
    },
  }
}
