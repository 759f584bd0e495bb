// One hostile process among real ones: an attack of packages/lab over a peer of packages/peer, or "gossip-control",
// which asks all others for a place in their mesh, each time in vain and for an answer. By its IPC channel
// it is told what others say, and when to begin; it answers how many peers are still connected to it.
//
//   node scripts/faults/hostile.mjs ATTACK URL
import { startAttack } from '@layerswarm/lab'
import { decodeMessage } from '@layerswarm/swarm'
import { openHostilePeer } from '../../packages/peer/dist/testing/hostile-peer.js'
import { endInOneLine } from './failure.mjs'
import { joinPatiently } from './processes.mjs'

/** As many as one frame of gossip may have, ten times a second. */
const GRAFTS = 63
const GRAFT_EVERY_MS = 100

endInOneLine()
const [attack, join] = process.argv.slice(2)
const peer = await joinPatiently(
  () => openHostilePeer(join),
  () => process.connected,
)
/** Whom nothing is said to, and who has no reason to hang up. */
const spared = new Set()
let beganMs
let aloneMs
setInterval(() => {
  const left = peer.transport.neighbours().filter((one) => !spared.has(one))
  if (beganMs !== undefined && aloneMs === undefined && left.length === 0)
    aloneMs = performance.now()
}, 20)

process.on('message', ({ id, from, heard, begin, spares }) => {
  if (heard !== undefined) {
    peer.overhear(from, decodeMessage(Buffer.from(heard, 'base64')))
    return
  }
  if (begin && beganMs === undefined) {
    beganMs = performance.now()
    for (const one of spares) spared.add(one)
    if (attack === 'gossip-control') setInterval(() => peer.graft(GRAFTS), GRAFT_EVERY_MS)
    else startAttack(attack, peer)
  }
  process.send({
    id,
    self: peer.transport.self,
    neighbours: peer.transport.neighbours().length,
    hungUpMs: aloneMs === undefined ? null : Math.round(aloneMs - beganMs),
  })
})
process.once('disconnect', () => process.exit(0))
