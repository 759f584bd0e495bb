/**
 * What one hostile process does to a swarm of real ones: for each attack a calm run, requests while it attacks, and
 * requests after it was killed. Prints a line for each, and all of them as one JSON line at the end.
 *
 *   node scripts/faults/attacks.mjs [--attacks crowd,last-hop,…] [--peers 7] [--requests 20] [--every-ms 500]
 *
 * The attacks are those of packages/lab (`layerswarm simulate attack-NAME`), over real connections and with real
 * keys, and one on gossip itself, which the lab has none of. Steps are told and not gossiped, so the asker tells the attacker what it says and hears: it knows as much as
 * the one in the lab. Needs a build; Linux.
 */
import { loadavg } from 'node:os'
import { ATTACKS } from '@layerswarm/lab'
import { encodeMessage } from '@layerswarm/swarm'
import { openAsker } from './asker.mjs'
import { Failure } from './failure.mjs'
import { readFlags } from './flags.mjs'
import { freePort, say, startPeers, startScript, startServer, until } from './processes.mjs'

/** The model has eight layers; each has three hosts among seven peers, and the attacker hosts none. */
const LAYERS_EACH = 4
/** Old steps are said again after 30 s, so the requests are spread over more than that. */
const REPLAY_EVERY_MS = 2_000
/** Time for new peers to measure their ways. */
const SETTLE_MS = 4_000

const NAMES = [...ATTACKS.slice(1), 'gossip-control']

const flags = readFlags({
  attacks: NAMES.join(','),
  peers: 7,
  requests: 20,
  'every-ms': 500,
})
const { requests } = flags
const attacks = flags.attacks.split(',')
const unknown = attacks.find((attack) => !NAMES.includes(attack))
if (unknown !== undefined) {
  process.stderr.write(`there is no attack "${unknown}"; the attacks are ${NAMES.join(', ')}\n`)
  process.exit(2)
}

const server = await startServer({ port: await freePort() })
const providers = Array.from({ length: flags.peers }, () =>
  startPeers({ join: server.url, capacity: LAYERS_EACH, webrtc: false }),
)
let hostile
const asker = await openAsker({
  join: server.url,
  tap(from, message) {
    if (hostile === undefined || message.kind === 'presence') return
    const heard = Buffer.from(encodeMessage(message)).toString('base64')
    hostile.ask({ from, heard })
  },
})
try {
  await asker.met(providers.length)
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS))
  await asker.askMany(requests, 50)
  const rows = []
  for (const attack of attacks) rows.push(await attacked(attack))
  process.stdout.write(`${JSON.stringify({ peers: providers.length, rows })}\n`)
} finally {
  await hostile?.end()
  await asker.stop()
  await Promise.all(providers.map((one) => one.end()))
  await server.end()
}

async function attacked(attack) {
  const everyMs = attack === 'replay' ? REPLAY_EVERY_MS : flags['every-ms']
  const calm = await asker.askMany(requests, everyMs)
  hostile = startScript('./hostile.mjs', [attack, server.url])
  // The asker and all providers.
  await until('the attacker has met everybody', async () => {
    const answer = await hostile.ask()
    if (answer === undefined) throw new Failure('the attacker ended')
    return answer.neighbours > providers.length
  })
  // A hog asks in the name of the asker, whom alone it tells nothing.
  const spares = attack === 'hog' ? [asker.peer.snapshot().peerId] : []
  await hostile.ask({ begin: true, spares })
  const during = await asker.askMany(requests, everyMs)
  const { hungUpMs, neighbours } = await hostile.ask()
  await hostile.end()
  hostile = undefined
  const after = await asker.askMany(requests, Math.min(everyMs, flags['every-ms']))
  const load = Math.round(loadavg()[0])
  const row = { attack, calm, during, after, hungUpMs, neighbours, load }
  say(
    `${attack}: ${during.answered}/${requests} during (${during.whole} whole, p95 ${during.p95Ms} ms, calm ${calm.p95Ms}), ` +
      `${after.answered}/${requests} after (${after.whole} whole), hung up on after ${hungUpMs ?? '-'} ms, load ${load}`,
  )
  return row
}
