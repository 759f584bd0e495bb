/**
 * Whether an address, or a URL's `hostname`, is that of the machine on which it is read: `localhost`
 * (RFC 6761, 6.3), 127.0.0.0/8 or ::1 (RFC 6890), also as IPv4 inside IPv6 and in brackets.
 */
export function isLoopback(host: string): boolean {
  return /^(127(\.\d+){3}|::1|::ffff:127(\.\d+){3}|::ffff:7f[0-9a-f]{2}:[0-9a-f]{1,4}|localhost)$/.test(
    host.replace(/^\[(.*)\]$/, '$1'),
  )
}
