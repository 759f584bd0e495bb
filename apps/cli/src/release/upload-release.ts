import {
  fetchFault,
  filesOf,
  type Manifest,
  manifestBytes,
  type ReleaseFile,
  releaseId,
} from '@layerswarm/model'
import { CliError } from '../cli-error.ts'
import { readBounded } from '../files.ts'
import { TOKEN_FILE_BYTES_MAX } from '../limits.ts'

/** A signed release whose files can be read. */
export interface UploadableRelease {
  readonly manifest: Manifest
  file(entry: ReleaseFile): Promise<Uint8Array>
}

/** A signaling server that takes uploads, and the right to make them. */
export interface UploadTarget {
  /** The signaling server. */
  readonly to: URL
  readonly token: string
  readonly signal: AbortSignal
  progress(text: string): void
}

/**
 * Uploads what a signaling server lacks of a release, so that it is offered from now on.
 * @returns what was sent. @throws CliError `refused` with the server's reason.
 */
export async function uploadRelease(
  { manifest, file: read }: UploadableRelease,
  target: UploadTarget,
): Promise<{ parts: number; bytes: number }> {
  const path = `releases/${releaseId(manifest)}/manifest.json`
  const missing = parseMissing(await put(target, path, manifestBytes(manifest)), target)
  let bytes = 0
  const wanted = filesOf(manifest).filter(({ sha256 }) => missing.includes(sha256))
  for (const [index, entry] of wanted.entries()) {
    const file = await read(entry)
    await put(target, `parts/${entry.sha256}`, file)
    bytes += file.length
    target.progress(`uploaded part ${index + 1} of ${wanted.length}`)
  }
  // The manifest once more: all parts are there, and the server checks and offers the release.
  const left =
    missing.length === 0
      ? []
      : parseMissing(await put(target, path, manifestBytes(manifest)), target)
  if (left.length > 0) fail(target, `it still lacks ${left.length} parts; publish again`)
  return { parts: wanted.length, bytes }
}

async function put(target: UploadTarget, path: string, body: Uint8Array): Promise<string> {
  const { to, token, signal } = target
  let response: Response
  try {
    response = await fetch(new URL(path, to), {
      method: 'PUT',
      // A copy, because a file may be a view into a larger buffer.
      body: Uint8Array.from(body),
      headers: { authorization: `Bearer ${token}` },
      signal,
    })
  } catch (error) {
    signal.throwIfAborted()
    throw new CliError(
      { code: 'refused', what: to.href },
      `${to.origin} cannot be reached (${fetchFault(error)})`,
    )
  }
  const text = await response.text()
  if (response.ok) return text
  const [line = ''] = text.split('\n', 1)
  return fail(target, line.slice(0, 200) || `it answered ${response.status}`)
}

function parseMissing(text: string, target: UploadTarget): string[] {
  try {
    const value: unknown = JSON.parse(text)
    const missing: unknown =
      typeof value === 'object' && value !== null && 'missing' in value ? value.missing : undefined
    if (Array.isArray(missing) && missing.every((one): one is string => typeof one === 'string')) {
      return missing
    }
  } catch {
    // Not JSON: something else than a signaling server, told below.
  }
  return fail(target, 'its answer is not that of a signaling server')
}

function fail({ to }: UploadTarget, reason: string): never {
  throw new CliError({ code: 'refused', what: to.href }, `${to.origin} did not take it: ${reason}`)
}

/** Reads a secret, such as uploads need, from a file of one line. @throws CliError `bad-file` or `not-found`. */
export async function readTokenFile(path: string): Promise<string> {
  const text = new TextDecoder().decode(await readBounded(path, TOKEN_FILE_BYTES_MAX)).trim()
  if (isToken(text)) return text
  throw new CliError(
    { code: 'bad-file', path },
    `${path} holds no token: one line of 16 to 256 letters, digits or signs without spaces`,
  )
}

/** Long enough not to be guessed, and fit for an HTTP header. */
export function isToken(text: string): boolean {
  return /^[\x21-\x7e]{16,256}$/.test(text)
}
