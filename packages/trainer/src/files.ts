import { rename, writeFile } from 'node:fs/promises'

/** Replaces a file in one step: whoever reads it sees the old or the new content, never a part. */
export async function replaceFile(file: string, content: Uint8Array | string): Promise<void> {
  const temporary = `${file}.${process.pid}.tmp`
  await writeFile(temporary, content)
  await rename(temporary, file)
}

/** JSON as people read it, with a final line break. */
export function prettyJson(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`
}
