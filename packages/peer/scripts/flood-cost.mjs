// What a neighbour's flood costs whoever hears it: the processor time of one message beyond its author's rate,
// with the quota asked after gossipsub has checked the signature, and before. Needs a build.
//
//   node packages/peer/scripts/flood-cost.mjs [messages, 5000 unless given]
import '../dist/node/polyfill.node.js'
import { randomBytes } from 'node:crypto'
import {
  BAN_MS,
  createGate,
  encodeMessage,
  judgeMessage,
  LANE_MESSAGES_BURST,
  laneTopic,
  presenceTopic,
} from '@layerswarm/swarm'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { TopicValidatorResult } from '@libp2p/gossipsub'
import { RPC } from '@libp2p/gossipsub/message'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { createHearing } from '../dist/gossip/hearing.js'
import { platform } from '../dist/node/net.node.js'

const RELEASE = 'ab'.repeat(32)
const SHAPE = { layers: 8, tokens: 50, width: 64 }
const TOPIC = laneTopic(RELEASE, 0)
const count = Number(process.argv[2] ?? 5_000)

const flooder = await generateKeyPair('Ed25519')
const from = peerIdFromPrivateKey(flooder)
const messages = []
for (let number = 0; number < count; number++) messages.push(await signed(number))

const after = await measure('quota after the signature', (node, gate) => {
  node.services.pubsub.topicValidators.set(TOPIC, (source, raw) => {
    const author = raw.from.toString()
    const number = raw.sequenceNumber
    const content = () => judgeMessage(raw.data, TOPIC, author, SHAPE)
    const arrival = { source: source.toString(), author, isPresence: false, number, content }
    const { verdict, passOn } = gate.judge(arrival, performance.now())
    return verdict === 'deliver' && passOn
      ? TopicValidatorResult.Accept
      : TopicValidatorResult.Ignore
  })
})
const before = await measure('quota before the signature', (node, gate) => {
  const hearing = createHearing({ node, gate, release: RELEASE, shape: SHAPE, heard() {} })
  hearing.start({ lane: TOPIC, presence: presenceTopic(RELEASE, 0) })
})
process.stdout.write(`${(after / before).toFixed(0)} times less\n`)

/** A message as gossipsub makes it (its specification, "Message Signing"). */
async function signed(number) {
  const request = randomBytes(16).toString('hex')
  const message = {
    from: from.toMultihash().bytes,
    data: encodeMessage({ kind: 'done', isPublic: true, request }),
    seqno: new Uint8Array(new BigUint64Array([BigInt(number)]).buffer).reverse(),
    topic: TOPIC,
  }
  const bytes = Buffer.concat([Buffer.from('libp2p-pubsub:'), RPC.Message.encode(message)])
  return { ...message, signature: await flooder.sign(bytes) }
}

/** Microseconds of processor time for one message beyond the burst. */
async function measure(name, listen) {
  const { node, gate, stop } = await open()
  listen(node, gate)
  const { pubsub } = node.services
  const hear = async (some) => {
    for (const message of some) await pubsub.handleReceivedMessage(from, message)
  }
  await hear(messages.slice(0, LANE_MESSAGES_BURST))
  const start = process.cpuUsage()
  await hear(messages.slice(LANE_MESSAGES_BURST))
  const { user, system } = process.cpuUsage(start)
  const each = (user + system) / (messages.length - LANE_MESSAGES_BURST)
  process.stdout.write(
    `${name}: ${each.toFixed(1)} µs of processor time for each message too many\n`,
  )
  await stop()
  return each
}

async function open() {
  const privateKey = await generateKeyPair('Ed25519')
  // Nobody is banned, or the flood would be over.
  const gate = createGate({ release: RELEASE, overRate: undefined, banMs: BAN_MS })
  const opened = await platform.createNode({
    privateKey,
    swarmKey: undefined,
    release: RELEASE,
    isBanned: () => false,
    isForwarder: () => false,
    host: '127.0.0.1',
    port: undefined,
    announce: [],
    webrtc: false,
    iceServers: [],
    say() {},
  })
  return { node: opened.node, gate, stop: opened.stop }
}
