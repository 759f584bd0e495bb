// Identities that host every layer, say that they are quicker than anybody, run what they are chosen for, and hand no
// result to anybody: by its IPC channel it says how many of them are there and how often they were chosen.
//
//   node scripts/faults/withholding-hosts.mjs URL COUNT
import { createPeer } from '@layerswarm/peer'
import { endInOneLine } from './failure.mjs'
import { joinPatiently } from './processes.mjs'

/** What no other device announces, milliseconds. */
const LAYER_MS = 0.1

endInOneLine()
const [join, count] = process.argv.slice(2)
let there = 0
let chosen = 0
process.on('message', ({ id }) => process.send({ id, there, chosen }))
process.once('disconnect', () => process.exit(0))

for (let i = 0; i < Number(count); i++) {
  const serve = [0, 1, 2, 3, 4, 5, 6, 7]
  const peer = createPeer({ join, serve, webrtc: false, wrapTransport: withholding })
  await joinPatiently(
    () => peer.start(),
    () => process.connected,
  )
  there += 1
}

/** Nothing of what it has run can be had from it. */
function withholding(transport) {
  return {
    ...transport,
    publish(message) {
      transport.publish(
        message.kind === 'presence' ? { ...message, layerMs: LAYER_MS, measured: true } : message,
      )
    },
    offer(bytes, offered) {
      transport.offer(bytes, (hash) => {
        chosen++
        offered(hash)
        if (hash !== undefined) transport.withdraw(hash)
      })
    },
    push() {},
  }
}
