import {
  type Listener,
  type ListenerEvents,
  type Transport,
  TypedEventEmitter,
  transportSymbol,
  type Upgrader,
} from '@libp2p/interface'
import { multiaddrConnectionPair } from '@libp2p/utils'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'

/** Everybody who listens in this process, by address. */
const listening = new Map<string, Upgrader>()

/** The part of an address that a listener is known by: `/memory/NAME`. */
function placeOf(address: Multiaddr): string | undefined {
  return /^\/memory\/[^/]+/.exec(address.toString())?.[0]
}

const onlyMemory = (addresses: Multiaddr[]) =>
  addresses.filter((address) => placeOf(address) !== undefined)

class MemoryListener extends TypedEventEmitter<ListenerEvents> implements Listener {
  private readonly upgrader: Upgrader
  private place: string | undefined

  constructor(upgrader: Upgrader) {
    super()
    this.upgrader = upgrader
  }

  async listen(address: Multiaddr): Promise<void> {
    this.place = placeOf(address)
    if (this.place !== undefined) listening.set(this.place, this.upgrader)
    this.safeDispatchEvent('listening')
  }

  getAddrs(): Multiaddr[] {
    return this.place === undefined ? [] : [multiaddr(this.place)]
  }

  async close(): Promise<void> {
    if (this.place !== undefined) listening.delete(this.place)
    this.safeDispatchEvent('close')
  }

  updateAnnounceAddrs(): void {}
}

/** A libp2p transport between nodes of this process, for tests: connections without any socket. */
export function memory(): () => Transport {
  return () => ({
    [Symbol.toStringTag]: '@layerswarm/memory',
    [transportSymbol]: true,
    listenFilter: onlyMemory,
    dialFilter: onlyMemory,
    createListener: ({ upgrader }) => new MemoryListener(upgrader),
    async dial(address, options) {
      const other = listening.get(placeOf(address) ?? '')
      if (other === undefined) throw new Error(`nobody listens on ${address}`)
      const [outbound, inbound] = multiaddrConnectionPair({ outbound: { remoteAddr: address } })
      const { signal } = options
      const accepted = other.upgradeInbound(inbound, { signal })
      // The end that dials learns of a refusal by its own handshake.
      accepted.catch((error: unknown) =>
        inbound.abort(error instanceof Error ? error : new Error(String(error))),
      )
      return options.upgrader.upgradeOutbound(outbound, options)
    },
  })
}
