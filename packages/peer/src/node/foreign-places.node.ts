import { BlockList, isIP } from 'node:net'
import { networkInterfaces } from 'node:os'
import type { Multiaddr } from '@multiformats/multiaddr'
import { WEB_PORTS, WELL_KNOWN_PORT_MAX } from '../limits.ts'

/** Nobody's or everybody's address: this network, the link, multicast, reserved (RFC 6890, 4291). */
const NOWHERE = listOf(
  ['0.0.0.0/8', '169.254.0.0/16', '224.0.0.0/3'],
  ['::/128', 'fe80::/10', 'ff00::/8'],
)
/** In every network somebody else's: RFC 1918, 6598 and 4193. */
const PRIVATE = listOf(
  ['10.0.0.0/8', '100.64.0.0/10', '172.16.0.0/12', '192.168.0.0/16'],
  ['fc00::/7'],
)

/** Where a node stands. */
export interface Standing {
  /** All peers stand in networks of one owner, who says so: they find each other without WebRTC. */
  readonly isAmongOwn: boolean
  /** The subnets of this machine, as 192.168.1.5/24. */
  readonly subnets: readonly string[]
}

/** The subnets of this machine's interfaces. */
export function ownSubnets(): string[] {
  return Object.values(networkInterfaces()).flatMap((addresses = []) =>
    addresses.flatMap(({ cidr }) => cidr ?? []),
  )
}

/**
 * Whether an address that a stranger has announced leads where no peer can be meant: then whoever announces it
 * has others knock at doors that he cannot reach himself. A private address is dialled in the subnets of this
 * machine only, and a port of another service nowhere.
 */
export function isForeign(address: Multiaddr, { isAmongOwn, subnets }: Standing): boolean {
  let port = 0
  let host = ''
  for (const { name, value = '' } of address.getComponents()) {
    if (name === 'ip4' || name === 'ip6') host ||= value
    if (name === 'tcp') port ||= Number(value)
  }
  if (port !== 0 && port <= WELL_KNOWN_PORT_MAX && !WEB_PORTS.includes(port)) return true
  if (host === '') return false
  if (isIn(NOWHERE, host)) return true
  return !isAmongOwn && isIn(PRIVATE, host) && !isIn(listOf(subnets), host)
}

function listOf(...lists: readonly (readonly string[])[]): BlockList {
  const list = new BlockList()
  for (const cidr of lists.flat()) {
    const [net = '', prefix] = cidr.split('/')
    list.addSubnet(net, Number(prefix), familyOf(net))
  }
  return list
}

function isIn(list: BlockList, host: string): boolean {
  return list.check(host, familyOf(host))
}

function familyOf(host: string): 'ipv4' | 'ipv6' {
  return isIP(host) === 6 ? 'ipv6' : 'ipv4'
}
