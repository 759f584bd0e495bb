import { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { hostname, networkInterfaces } from 'node:os'
import { isLoopback } from '@layerswarm/swarm'

/** Interfaces of containers and virtual machines: nobody outside reaches a server by them. */
const INNER_INTERFACE = /^(docker|br-|veth|virbr|vmnet|vboxnet|podman|cni)/

/** What Node tells of a machine's network interfaces, by name, as far as it matters here. */
export type NetworkInterfaces = Readonly<
  Record<string, readonly { readonly address: string; readonly internal: boolean }[] | undefined>
>

/** Addresses of this machine by which others reach it, IPv4 first; none of loopback, link or container. */
export function ownAddresses(interfaces: NetworkInterfaces = networkInterfaces()): string[] {
  const addresses = Object.entries(interfaces)
    .filter(([name]) => !INNER_INTERFACE.test(name))
    .flatMap(([, list = []]) => list)
    .filter(({ internal, address }) => !internal && !/^(fe80:|169\.254\.)/i.test(address))
  const [four, six] = [4, 6].map((family) =>
    addresses.map(({ address }) => address).filter((address) => isIP(address) === family),
  )
  return [...(four ?? []), ...(six ?? [])]
}

/** Where a server listens, and with which certificate. */
export interface Served {
  readonly host: string
  readonly port: number
  /** PEM; undefined for plain http. */
  readonly cert: string | undefined
}

/**
 * URLs at which others can reach a server that listens on `host`, the best one first: names that its
 * certificate is for, then this machine's addresses. None when it listens on loopback only.
 */
export function publicUrls(
  { host, port, cert }: Served,
  own: readonly string[] = ownAddresses(),
): string[] {
  if (isLoopback(host)) return []
  const addresses =
    host === '0.0.0.0' ? own.filter((one) => isIP(one) === 4) : host === '::' ? own : [host]
  const hosts = cert === undefined ? addresses : [...publicNames(cert), ...addresses]
  return hosts.map((one) => urlAt(one, port, cert !== undefined))
}

/** `http://host:port`; the port is left out where it goes without saying. */
export function urlAt(host: string, port: number, isSecure: boolean): string {
  const scheme = isSecure ? 'https' : 'http'
  return new URL(`${scheme}://${isIP(host) === 6 ? `[${host}]` : host}:${port}`).origin
}

/** Names that a certificate of this machine should be for. */
export function ownNames(host: string): string[] {
  const name = hostname()
  const local = [
    'localhost',
    '127.0.0.1',
    '::1',
    ...(isHostName(name) ? [name, `${name}.local`] : []),
  ]
  const open = isIP(host) !== 0 && !isLoopback(host) && host !== '0.0.0.0' && host !== '::'
  return [...new Set([...local, ...ownAddresses(), ...(open ? [host] : [])])]
}

function isHostName(name: string): boolean {
  return /^[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?$/.test(name) && name !== 'localhost'
}

/** DNS names of a certificate that others can resolve: with a dot, no wildcard, not those of a LAN only. */
function publicNames(cert: string): string[] {
  const listed = new X509Certificate(cert).subjectAltName ?? ''
  return [...listed.matchAll(/DNS:([^,\s"]+)/g)]
    .map(([, name = '']) => name)
    .filter((name) => name.includes('.') && !name.includes('*') && !name.endsWith('.local'))
}
