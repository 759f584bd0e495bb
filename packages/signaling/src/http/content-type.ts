import { extname } from 'node:path'
import { contentType } from 'mime-types'

/** The media type of bytes of no known kind. */
export const OCTETS = 'application/octet-stream'
/** The media type of JSON answers. */
export const JSON_TYPE = 'application/json; charset=utf-8'
/** The media type of health, metrics and errors. */
export const TEXT_TYPE = 'text/plain; charset=utf-8'

/** The media type of a file by its name; bytes of no known kind are `application/octet-stream`. */
export function contentTypeOf(path: string): string {
  return contentType(extname(path)) || OCTETS
}
