// The package `ws` ships no types; its WebSocket has the browser's interface.
declare module 'ws' {
  export const WebSocket: typeof globalThis.WebSocket
}
