import './polyfill.node.ts'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { createLibp2p } from 'libp2p'
import { watchLife } from '../life/life.node.ts'
import { corkedWrites } from './corked-writes.node.ts'
import { type Platform, sharedConfig } from './libp2p-config.ts'
import { webSocketsBelowPaths } from './web-sockets.ts'

/** Node: TCP for other Node peers, WebSocket for tabs, which dial in. */
export const platform: Platform = Object.freeze({
  needsReservation: false,
  createNode(options) {
    const { host } = options
    const family = host.includes(':') ? 'ip6' : 'ip4'
    return createLibp2p({
      ...sharedConfig(options),
      addresses: { listen: [`/${family}/${host}/tcp/0`, `/${family}/${host}/tcp/0/ws`] },
      connectionEncrypters: [corkedWrites(noise())],
      transports: [tcp(), webSocketsBelowPaths()],
    })
  },
  canDial: (address) => address.includes('/tcp/') && !address.includes('/p2p-circuit'),
  watchLife,
  peerConnectionsMade: () => 0,
} satisfies Platform)
