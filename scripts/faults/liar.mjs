// A peer in a process of its own whose results are wrong; it answers by its IPC channel as peers.mjs does.
//
//   node scripts/faults/liar.mjs OPTIONS-AS-JSON LIE SEED
import { openLyingPeer } from '../../packages/peer/dist/testing/lying-peer.js'
import { endInOneLine } from './failure.mjs'
import { joinPatiently } from './processes.mjs'

endInOneLine()
const [options, lie, seed] = process.argv.slice(2)
let peer

process.on('message', ({ id }) => {
  const hosted = peer?.hostedLayers() ?? []
  process.send({
    id,
    hosting: hosted.length > 0 ? 1 : 0,
    ids: peer === undefined ? [] : [peer.peerId],
  })
})
process.once('disconnect', () => process.exit(0))

peer = await joinPatiently(
  () => openLyingPeer(JSON.parse(options), lie, Number(seed)),
  () => process.connected,
)
