import { realpath, stat } from 'node:fs/promises'
import { join, sep } from 'node:path'

/** A file inside the page's folder, ready to be sent. */
export interface StaticFile {
  readonly path: string
  readonly bytes: number
  /** Changes whenever the file does. */
  readonly version: string
  /** Its name holds a hash of its content, as vite's builds do. */
  readonly hashed: boolean
}

/**
 * The file that a URL's path names below a folder, or undefined. `/` is index.html.
 *
 * 1. The path is decoded once; what is left of `%`, `\`, NUL, and any segment that is empty or
 *    starts with a dot is refused, so it cannot leave the folder or reach a hidden file.
 * 2. Links are followed, and what they lead to must lie in the folder too.
 */
export async function findFile(root: string, pathname: string): Promise<StaticFile | undefined> {
  const segments = parsePath(pathname)
  if (segments === undefined) return undefined
  try {
    const base = await realpath(root)
    const path = await realpath(join(base, ...segments))
    if (!path.startsWith(base + sep)) return undefined
    const found = await stat(path)
    if (!found.isFile()) return undefined
    const version = `${found.size}-${Math.round(found.mtimeMs)}-${found.ino}`
    const hashed = segments[0] === 'assets' && /-[\w-]{8}\.\w+$/.test(path)
    return { path, bytes: found.size, version, hashed }
  } catch {
    // Not there, or a segment that goes through a file.
    return undefined
  }
}

/** The segments of a path, or undefined for one that could mean something else to the file system. */
function parsePath(pathname: string): string[] | undefined {
  let decoded: string
  try {
    decoded = decodeURIComponent(pathname)
  } catch {
    return undefined
  }
  if (decoded === '/') return ['index.html']
  if (!decoded.startsWith('/') || /[%\\\0:]/.test(decoded)) return undefined
  const segments = decoded.slice(1).split('/')
  return segments.some((segment) => segment === '' || segment.startsWith('.'))
    ? undefined
    : segments
}
