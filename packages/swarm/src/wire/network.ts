/**
 * The name under which sockets of an IP address are counted: the network of one customer (/64, RFC 6177) of
 * IPv6, or the address itself of IPv4, also where it came through a socket of both families
 * (`::ffff:192.0.2.1`). Many peers behind one of them are normal: a household, a class room.
 */
export function networkOf(address: string): string {
  const groups = groupsOf(address)
  return groups === undefined ? plainOf(address) : `${groups.slice(0, 4).join(':')}::/64`
}

/**
 * The name under which networks are counted that lie side by side, as a provider numbers its machines: a /24 of
 * IPv4, or a site of IPv6 (/48, RFC 6177). Whoever has one address there has often more.
 */
export function regionOf(address: string): string {
  const groups = groupsOf(address)
  if (groups !== undefined) return `${groups.slice(0, 3).join(':')}::/48`
  return `${plainOf(address).split('.').slice(0, 3).join('.')}.0/24`
}

/** Without the zone of an address of the link, and IPv4 as it is written. */
function plainOf(address: string): string {
  return address.replace(/%.*$/, '').replace(/^::ffff:(?=\d+\.)/i, '')
}

/** The eight groups of an IPv6 address, without leading zeros; undefined for another one. */
function groupsOf(address: string): string[] | undefined {
  const plain = plainOf(address)
  if (!plain.includes(':')) return undefined
  const [head = '', tail] = plain.split('::')
  const before = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? [] : tail.split(':')
  const missing = tail === undefined ? 0 : Math.max(0, 8 - before.length - after.length)
  const groups = [...before, ...new Array<string>(missing).fill('0'), ...after]
  return groups.map((group) => Number.parseInt(group, 16).toString(16))
}
