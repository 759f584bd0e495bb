/** What Node calls certificates that nobody vouches for whom it knows. */
const UNTRUSTED = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
])

/**
 * Why a `fetch` failed, in words for a message of one line. Node hides the reason ("ECONNREFUSED") in the
 * cause of "fetch failed", and OpenSSL's in a line with numbers; a browser tells none.
 */
export function fetchFault(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { cause } = error
  if (!(cause instanceof Error)) return error.message
  const code = 'code' in cause ? String(cause.code) : ''
  if (UNTRUSTED.has(code))
    return `${cause.message}; to trust its certificate, start with NODE_EXTRA_CA_CERTS=FILE.pem in the environment`
  // As "80…:error:0A00010B:SSL routines:ssl3_get_record:wrong version number:../deps/…:350:".
  if (code === 'ERR_SSL_WRONG_VERSION_NUMBER')
    return 'no TLS is spoken there; does its address begin with http:?'
  const openSsl = /:SSL routines:[^:]*:([^:]+)/.exec(cause.message)?.[1]
  return openSsl ?? (cause.message || code || error.message)
}
