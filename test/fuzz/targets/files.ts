import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

let made: string | undefined

/** A folder of this process for what is read from files; it goes with the process. */
export function scratch(): string {
  if (made === undefined) {
    const folder = mkdtempSync(join(tmpdir(), 'layerswarm-fuzz-'))
    made = folder
    process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  }
  return made
}

/** The bytes as a file under this name, for whoever reads files only. @returns its path. */
export function written(name: string, bytes: Uint8Array | string): string {
  const path = join(scratch(), name)
  writeFileSync(path, bytes)
  return path
}

/** While `work` runs, everything that is fetched has these bytes as its body. */
export async function answering<T>(
  bytes: Uint8Array,
  headers: Record<string, string>,
  work: () => Promise<T>,
): Promise<T> {
  const { fetch } = globalThis
  globalThis.fetch = async () => new Response(new Uint8Array(bytes), { headers })
  try {
    return await work()
  } finally {
    globalThis.fetch = fetch
  }
}
