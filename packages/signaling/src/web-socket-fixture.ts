import { createRequire } from 'node:module'

const { WebSocket: Bare } = createRequire(import.meta.url)('ws') as { WebSocket: typeof WebSocket }

// For tests that dial as tabs do: Node has a WebSocket of its own from version 22 on. That of `ws` throws an error that
// nobody listens for, and libp2p stops listening when it gives up a dial.
globalThis.WebSocket ??= class extends Bare {
  constructor(url: string | URL, protocols?: string | string[]) {
    super(url, protocols)
    this.addEventListener('error', () => {})
  }
}
