import canonicalize from 'canonicalize'

/** A value that JSON can hold. */
export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [key: string]: Json }

/**
 * JSON with sorted keys and no white space, as RFC 8785 (JSON Canonicalization Scheme) writes it: the
 * same value always gives the same text, so that it can be hashed and signed. Fields that are
 * `undefined` are left out, as in JSON.stringify.
 * @throws RangeError for what the RFC gives no text: a number that is not finite, a text with one half
 * of a surrogate pair.
 */
export function canonicalJson(value: Json): string {
  try {
    // Never undefined for a value that JSON can hold.
    return canonicalize(value) as string
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new RangeError(`this has no canonical JSON: ${reason}`, { cause: error })
  }
}
