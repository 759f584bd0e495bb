import { open } from 'node:fs/promises'

/** An idx file of bytes begins with these: two zeros and the type "unsigned byte" (Y. LeCun, the MNIST files). */
const UNSIGNED_BYTE = 0x08

/**
 * The first items of an idx file of bytes, as an idx file. @param count at least 1.
 * @returns undefined where the file is none, or has no more items than that.
 */
export async function firstItems(path: string, count: number): Promise<Buffer | undefined> {
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
    // A head that lies about its items would make a buffer of any size.
    if (head.length + items * itemBytes !== size) return undefined
    const some = Buffer.alloc(head.length + count * itemBytes)
    await file.read(some, 0, some.length, 0)
    some.writeUInt32BE(count, 4)
    return some
  } finally {
    await file.close()
  }
}
