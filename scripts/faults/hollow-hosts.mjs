// Identities that announce, under their own names, the first half of the layers and are never free: by its IPC channel
// it says how many of them are there.
//
//   node scripts/faults/hollow-hosts.mjs URL COUNT
import { createPeer } from '@layerswarm/peer'
import { endInOneLine } from './failure.mjs'
import { joinPatiently } from './processes.mjs'

/** What an ordinary tab announces, milliseconds. */
const LAYER_MS = 5

endInOneLine()
const [join, count] = process.argv.slice(2)
let there = 0
process.on('message', ({ id }) => process.send({ id, there }))
process.once('disconnect', () => process.exit(0))

for (let i = 0; i < Number(count); i++) {
  const peer = createPeer({ join, serve: 'none', webrtc: false, wrapTransport: boasting })
  await joinPatiently(
    () => peer.start(),
    () => process.connected,
  )
  there += 1
}

/** Says nothing but that. */
function boasting(transport) {
  return {
    ...transport,
    publish(message) {
      if (message.kind !== 'presence') return
      const layers = [0, 1, 2, 3]
      transport.publish({ ...message, layers, freeSlots: 0, layerMs: LAYER_MS, measured: true })
    },
    tell() {},
  }
}
