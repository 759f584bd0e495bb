/**
 * Whether hosts that run what they are chosen for, and hand the result to nobody, stop anybody: requests to four hosts
 * of half of the layers each, to the same beside four such identities of one process that say they are quicker than
 * all, right after they came and later, and when they are gone. Prints how often they were chosen, and one JSON line.
 *
 *   node scripts/faults/withholding.mjs [--hosts 4] [--withholding 4] [--requests 20]
 *
 * In the lab it is `layerswarm simulate withholders25`. Needs a build.
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

const flags = readFlags({ hosts: 4, withholding: 4, requests: 20 })
// Two host all eight layers.
requireAtLeast({ hosts: 2, withholding: 1, requests: 1 }, flags)
const { requests } = flags
const server = await startServer({ port: await freePort() })
const real = Array.from({ length: flags.hosts }, () =>
  startPeers({ join: server.url, capacity: LAYERS_EACH, webrtc: false }),
)
const asker = await openAsker({ join: server.url })
let bad
try {
  await asker.met(real.length)
  await pause(SETTLE_MS)
  const calm = await asker.askMany(requests, EVERY_MS)
  say(`calm: ${calm.whole}/${requests} whole`)
  bad = startScript('./withholding-hosts.mjs', [server.url, String(flags.withholding)])
  await until('they are there', async () => (await state()).there === flags.withholding)
  await pause(SETTLE_MS)
  const first = await asker.askMany(requests, EVERY_MS)
  const atFirst = (await state()).chosen
  say(`at first: ${first.whole}/${requests} whole, they were chosen ${atFirst} times`)
  const later = await asker.askMany(requests, EVERY_MS)
  const then = (await state()).chosen - atFirst
  say(`then: ${later.whole}/${requests} whole, they were chosen ${then} times`)
  await bad.end()
  bad = undefined
  const after = await asker.askMany(requests, EVERY_MS)
  const load = Math.round(loadavg()[0])
  const chosen = { first: atFirst, later: then }
  process.stdout.write(`${JSON.stringify({ calm, first, later, after, chosen, load })}\n`)
} finally {
  await bad?.end()
  await asker.stop()
  await Promise.all(real.map((one) => one.end()))
  await server.end()
}

async function state() {
  const answer = await bad.ask()
  if (answer === undefined) throw new Failure('the withholding hosts ended')
  return answer
}
