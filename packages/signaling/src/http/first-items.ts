import { open } from 'node:fs/promises'
import type { FirstOf } from './answer.ts'

/** An idx file of bytes begins with these: two zeros and the type "unsigned byte" (Y. LeCun, the MNIST files). */
const UNSIGNED_BYTE = 0x08

/**
 * The first items of an idx file of bytes, as an idx file: the file's own bytes behind a head that counts them.
 * @param count at least 1.
 * @returns undefined where the file is none, or has no more items than that.
 */
export async function firstItems(path: string, count: number): Promise<FirstOf | undefined> {
  const file = await open(path)
  try {
    const magic = Buffer.alloc(4)
    await file.read(magic, 0, magic.length, 0)
    const dimensions = magic[3] ?? 0
    if (magic.readUInt16BE(0) !== 0 || magic[2] !== UNSIGNED_BYTE || dimensions < 1)
      return undefined
    const head = Buffer.alloc(4 + 4 * dimensions)
    await file.read(head, 0, head.length, 0)
    const [items = 0, ...shape] = Array.from({ length: dimensions }, (_, i) =>
      head.readUInt32BE(4 + 4 * i),
    )
    if (count < 1 || items <= count) return undefined
    const itemBytes = shape.reduce((product, length) => product * length, 1)
    const { size } = await file.stat()
    // A head that lies about its items would promise bytes that never come.
    if (itemBytes < 1 || head.length + items * itemBytes !== size) return undefined
    head.writeUInt32BE(count, 4)
    return { firstOf: path, head, bytes: head.length + count * itemBytes }
  } finally {
    await file.close()
  }
}
