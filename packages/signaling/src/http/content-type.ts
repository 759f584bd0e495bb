import { extname } from 'node:path'

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.gif': 'image/gif',
  '.html': 'text/html; charset=utf-8',
  '.ico': 'image/x-icon',
  '.jpg': 'image/jpeg',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.map': 'application/json; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.png': 'image/png',
  '.svg': 'image/svg+xml; charset=utf-8',
  '.txt': 'text/plain; charset=utf-8',
  '.wasm': 'application/wasm',
  '.webmanifest': 'application/manifest+json; charset=utf-8',
  '.webp': 'image/webp',
  '.woff2': 'font/woff2',
}

/** The media type of bytes of no known kind. */
export const OCTETS = 'application/octet-stream'
/** The media type of JSON answers. */
export const JSON_TYPE = 'application/json; charset=utf-8'
/** The media type of health, metrics and errors. */
export const TEXT_TYPE = 'text/plain; charset=utf-8'

/** The media type of a file by its name; bytes of no known kind are `application/octet-stream`. */
export function contentTypeOf(path: string): string {
  return TYPES[extname(path).toLowerCase()] ?? OCTETS
}

/** Whether compression pays: text and wasm, not pictures or weights. */
export function isCompressible(contentType: string): boolean {
  return /^(text\/|application\/(json|wasm|manifest)|image\/svg)/.test(contentType)
}
