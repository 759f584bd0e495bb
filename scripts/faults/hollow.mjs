/**
 * Whether hosts that are none empty layers of real ones: requests to four hosts of half of the layers each, to the same
 * when nine identities of one process have announced the first half of the layers for a while and are never free, and
 * after those are gone. Prints how many real hosts each layer has, and one JSON line.
 *
 *   node scripts/faults/hollow.mjs [--hosts 4] [--hollow 9] [--wait-s 60] [--requests 20]
 *
 * In the lab it is `layerswarm simulate hollow-hosts`. Needs a build.
 */
import { loadavg } from 'node:os'
import { setTimeout as pause } from 'node:timers/promises'
import { openAsker } from './asker.mjs'
import { Failure } from './failure.mjs'
import { readFlags, requireAtLeast } from './flags.mjs'
import { freePort, say, startPeers, startScript, startServer, until } from './processes.mjs'

/** The model has eight layers. */
const LAYERS_EACH = 4
const EVERY_MS = 300
/** New peers measure their ways. */
const SETTLE_MS = 4_000

const flags = readFlags({ hosts: 4, hollow: 9, 'wait-s': 60, requests: 20 })
// Two host all eight layers.
requireAtLeast({ hosts: 2, hollow: 1, requests: 1 }, flags)
const { requests } = flags
const server = await startServer({ port: await freePort() })
const real = Array.from({ length: flags.hosts }, () =>
  startPeers({ join: server.url, capacity: LAYERS_EACH, webrtc: false }),
)
const asker = await openAsker({ join: server.url })
let hollow
try {
  await asker.met(real.length)
  const realNames = new Set(asker.peer.snapshot().peers.map(({ id }) => id))
  await pause(SETTLE_MS)
  const calm = await asker.askMany(requests, EVERY_MS)
  const before = hosts(realNames)
  say(`calm: ${calm.whole}/${requests} whole, hosts of each layer ${before}`)
  hollow = startScript('./hollow-hosts.mjs', [server.url, String(flags.hollow)])
  await until('the hollow hosts are there', async () => {
    const answer = await hollow.ask()
    if (answer === undefined) throw new Failure('the hollow hosts ended')
    return answer.there === flags.hollow
  })
  await pause(flags['wait-s'] * 1_000)
  const during = await asker.askMany(requests, EVERY_MS)
  const meanwhile = hosts(realNames)
  say(
    `beside hollow hosts: ${during.whole}/${requests} whole, real hosts of each layer ${meanwhile}`,
  )
  await hollow.end()
  hollow = undefined
  const after = await asker.askMany(requests, EVERY_MS)
  const load = Math.round(loadavg()[0])
  process.stdout.write(`${JSON.stringify({ calm, during, after, before, meanwhile, load })}\n`)
} finally {
  await hollow?.end()
  await asker.stop()
  await Promise.all(real.map((one) => one.end()))
  await server.end()
}

/** How many of these peers host each layer. */
function hosts(names) {
  const { peers, coverage } = asker.peer.snapshot()
  return coverage.map(
    (_, layer) => peers.filter(({ id, layers }) => names.has(id) && layers.includes(layer)).length,
  )
}
