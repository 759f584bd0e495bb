import { FREED_BYTES_MIN } from './limits.ts'

/**
 * Gives back the memory behind these bytes at once; whoever still has them sees none afterwards. A collector that is not
 * short of memory would leave it for minutes, and the file of a large layer is as much as the layer. Few bytes are left
 * to it.
 *
 * They are handed over to where nobody receives them. `ArrayBuffer.prototype.transfer` is younger than Node 20, and in
 * Chromium it leaves the memory of what has come from another thread, or was hashed or written to storage, where it is.
 */
export function freeMemory({ buffer, byteLength }: ArrayBufferView): void {
  // What is a part of something larger is not its own.
  if (!(buffer instanceof ArrayBuffer) || buffer.byteLength !== byteLength) return
  if (byteLength < FREED_BYTES_MIN) return
  const { port1, port2 } = new MessageChannel()
  port2.close()
  port1.postMessage(undefined, [buffer])
  port1.close()
}
