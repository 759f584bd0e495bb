import type { PeerId } from '../wire/messages.ts'

/** What makes one auditor better than another. */
export interface AuditorStanding {
  /** It was found right often. */
  readonly isTrusted: boolean
  /** It lives in no network of those that are audited, as far as is known. */
  readonly isApart: boolean
  /** It hosts all that is to be run again. */
  readonly isWhole: boolean
}

const PREFIX = /^\/ip4\/(\d+\.\d+)\.|^\/ip6\/([0-9a-f]+:[0-9a-f]+):/

/** The network in which somebody can be dialled: 16 bits of an IPv4 address, 32 of an IPv6 one; undefined where only a relay is named. */
export function domainIn(addresses: readonly string[]): string | undefined {
  for (const address of addresses) {
    if (address.includes('/p2p-circuit')) continue
    const [, v4, v6] = PREFIX.exec(address) ?? []
    if (v4 !== undefined || v6 !== undefined) return v4 ?? v6
  }
  return undefined
}

/**
 * Of those who can run something again the best ones: trusted, apart and able to run all of it, or as much of that as
 * there is, in this order.
 * @param able who can; @param all whom to choose from where nobody is any better.
 */
export function bestAuditors<H extends { readonly peer: PeerId }>(
  able: readonly H[],
  all: H[],
  standingOf: (peer: PeerId) => AuditorStanding,
): H[] {
  const ranked = able.map((host) => ({ host, standing: standingOf(host.peer) }))
  const wishes = [
    ({ isTrusted, isApart, isWhole }: AuditorStanding) => isTrusted && isApart && isWhole,
    ({ isTrusted, isApart }: AuditorStanding) => isTrusted && isApart,
    ({ isTrusted }: AuditorStanding) => isTrusted,
    ({ isApart, isWhole }: AuditorStanding) => isApart && isWhole,
    ({ isApart }: AuditorStanding) => isApart,
  ]
  for (const wish of wishes) {
    const found = ranked.filter(({ standing }) => wish(standing))
    if (found.length > 0) return found.map(({ host }) => host)
  }
  return all
}
