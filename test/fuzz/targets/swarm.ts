import {
  decodeMessage,
  encodeMessage,
  iceHost,
  isLoopback,
  judgeMessage,
  keyInLink,
  kindOf,
  laneTopic,
  linkWithKey,
  type Message,
  networkOf,
  type PeerId,
  parseAllowList,
  parseIceServer,
  parseLaneCount,
  parseSwarmKey,
  parseTopic,
  peerIdOfKey,
  presenceTopic,
} from '@layerswarm/swarm'
import { anyPresence, chainOf, SIMULATED_RELEASE } from '@layerswarm/swarm/testing'
import { signersOf } from '../../../packages/swarm/src/chain/signers.ts'
import { statementsOf } from '../../../packages/swarm/src/chain/statement.ts'
import { stepFault } from '../../../packages/swarm/src/gate/step-fault.ts'
import { PEER_ID_CHARS_MAX } from '../../../packages/swarm/src/limits.ts'
import {
  anyStep,
  heldTensor,
  hopsBy,
  inlineTensor,
} from '../../../packages/swarm/src/testing/any-step.ts'
import { Reader, Writer } from '../../../packages/swarm/src/wire/codec.ts'
import { peerId } from '../../../packages/swarm/src/wire/peer-id.ts'
import {
  decode,
  encode,
  isSame,
  jsonOf,
  parsed,
  REFUSED,
  refusing,
  same,
  type Target,
} from '../target.ts'

const file = (name: string) => `packages/swarm/src/${name}`
const DOCUMENTED = { SwarmError: ['bad-message'] }
const SHAPE = { layers: 4, tokens: 5, width: 8 }

/** One whose layers stand in for those of the lane's. */
const OTHER_RELEASE = 'a7'.repeat(32)

/** Ids of Ed25519 keys, as peers have them. */
export const KEYED = [1, 2, 3].map((fill) => peerIdOfKey(new Uint8Array(32).fill(fill)) as PeerId)

/** One message of each kind, and a few of each that look different. */
export function anyMessages(): Message[] {
  const [anna, ben, carl] = KEYED as [PeerId, PeerId, PeerId]
  const request = '1'.repeat(32) as Extract<Message, { kind: 'step' }>['request']
  const route = [...hopsBy(ben, 1), { layer: 1, peer: carl, backend: 'ort-node', ms: 2 } as const]
  const mixed = route.map((hop) => (hop.peer === carl ? { ...hop, weights: OTHER_RELEASE } : hop))
  return [
    anyStep({ requester: anna }),
    anyStep({ requester: anna, activation: heldTensor(anna, 'ab'.repeat(32)), next: ben }),
    anyStep({
      requester: anna,
      era: 1,
      route,
      chain: chainOf(route, { isOpen: true }),
      plan: [0, 1, 2],
      activation: heldTensor(carl, 'cd'.repeat(32)),
      silent: [ben],
    }),
    anyStep({
      requester: anna,
      route: mixed,
      chain: chainOf(mixed, { isOpen: true }),
      activation: heldTensor(carl, 'cd'.repeat(32)),
    }),
    { kind: 'claim', request, era: 0, hop: 1, layer: 2, ttlMs: 500, lost: false },
    { kind: 'done', request, isPublic: true },
    {
      kind: 'again',
      request,
      era: 1,
      hop: 0,
      suspect: ben,
      barred: [7],
      signature: '0f'.repeat(64) as never,
    },
    { kind: 'hint', about: carl },
    ...roundMessages(request),
    anyPresence({ release: SIMULATED_RELEASE, layers: [0, 3], near: [{ tag: 7, way: 3 }] }),
    anyPresence({ release: SIMULATED_RELEASE, weights: OTHER_RELEASE, layers: [2] }),
    anyPresence({
      release: SIMULATED_RELEASE,
      addresses: [`/ip4/192.0.2.1/tcp/4001/p2p/${anna}`],
    }),
  ]
}

/** A round with its input in the message, and one with a held one; a sum and a refusal. */
function roundMessages(request: Extract<Message, { kind: 'step' }>['request']): Message[] {
  const { holder: _, ...held } = heldTensor('' as PeerId, 'ef'.repeat(32))
  const { hash: input } = held
  const asked = { kind: 'round', request, round: 1, layers: [2, 3], remainingMs: 900 } as const
  const sent = { kind: 'update', request, round: 1, input, backend: 'ort-node' } as const
  return [
    { ...asked, input: held },
    { ...asked, input: inlineTensor },
    { ...sent, layers: [{ layer: 2, ms: 3 }], sum: held },
    { ...sent, layers: [], sum: undefined },
  ]
}

/** A decoder of values that says undefined for a refusal, and gives the same for what it gave. */
function fields(
  name: string,
  cover: string,
  parse: (value: unknown) => unknown,
  seeds: readonly unknown[],
): Target {
  return {
    name,
    covers: [cover],
    kind: 'json',
    seeds: () => seeds.map(jsonOf),
    run(input) {
      const given = parsed(input)
      const value = given === REFUSED ? undefined : parse(given)
      if (value === undefined) return REFUSED
      same(parse(value), value, 'is read differently a second time')
      return value
    },
  }
}

function checkMessage(input: Uint8Array, value: Message): void {
  same(kindOf(input), value.kind, 'another kind than its first bytes say')
  const bytes = encodeMessage(value)
  const again = decodeMessage(bytes)
  if (!isSame(again, value)) throw new Error('is another after it was written')
  same(encodeMessage(again), bytes, 'is written in two ways')
  if (value.kind !== 'step') return
  const signers = signersOf(value)
  const statements = [...statementsOf(value, SIMULATED_RELEASE)]
  const expected = typeof signers === 'string' ? 0 : value.chain.length
  same(statements.length, expected, 'not one statement for each link')
  stepFault(value, value.requester, SHAPE)
}

export const SWARM_TARGETS: readonly Target[] = [
  {
    name: 'swarm/message',
    covers: [
      file('wire/messages.ts#decodeMessage'),
      file('wire/messages.ts#kindOf'),
      file('wire/weights.ts#readWeights'),
      file('chain/statement.ts#statementsOf'),
      file('chain/signers.ts#signersOf'),
      file('gate/step-fault.ts#stepFault'),
    ],
    kind: 'bytes',
    share: 8,
    seeds: () => anyMessages().map(encodeMessage),
    run(input) {
      const value = refusing(DOCUMENTED, () => decodeMessage(input))
      if (value !== REFUSED) checkMessage(input, value)
      return value
    },
  },
  {
    name: 'swarm/judged-message',
    covers: [file('gate/message-rules.ts#judgeMessage')],
    kind: 'bytes',
    share: 4,
    seeds: () => anyMessages().map((message) => Uint8Array.of(0, ...encodeMessage(message))),
    run(input) {
      const [where = 0] = input
      const topics = [
        undefined,
        laneTopic(SIMULATED_RELEASE, 0),
        presenceTopic(SIMULATED_RELEASE, 0),
        presenceTopic(SIMULATED_RELEASE, 1),
        'another topic',
      ]
      const author = KEYED[where % 3] as PeerId
      return judgeMessage(input.subarray(1), topics[where % 5], author, SHAPE)
    },
  },
  {
    name: 'swarm/peer-id',
    covers: [file('wire/peer-id.ts#peerIdOfKey')],
    kind: 'bytes',
    share: 4,
    seeds: () => [
      Uint8Array.of(1, ...new Uint8Array(32).fill(9)),
      Uint8Array.of(0, 3, 0, 97, 98, 99),
    ],
    run(input) {
      const field = peerId(PEER_ID_CHARS_MAX)
      const value = refusing(DOCUMENTED, () => {
        const from = new Reader(input)
        const read = field.read(from)
        from.end()
        return read
      })
      if (value === REFUSED) return REFUSED
      const out = new Writer()
      field.write(out, value)
      same(field.read(new Reader(out.finish())), value, 'is another after it was written')
      return value
    },
  },
  {
    name: 'swarm/topic',
    covers: [file('wire/topics.ts#parseTopic')],
    kind: 'text',
    share: 3,
    seeds: () =>
      [laneTopic(SIMULATED_RELEASE, 0), presenceTopic(SIMULATED_RELEASE, 511)].map(encode),
    run(input) {
      const text = decode(input)
      const topic = parseTopic(text)
      if (topic === undefined) return REFUSED
      const { release, lane } = topic
      const written =
        topic.carries === 'lane' ? laneTopic(release, lane) : presenceTopic(release, lane)
      same(written, text, 'a topic with two names')
      return topic
    },
  },
  {
    name: 'swarm/address',
    covers: [
      file('wire/network.ts#networkOf'),
      file('wire/loopback.ts#isLoopback'),
      file('wire/ice-server.ts#iceHost'),
    ],
    kind: 'text',
    share: 2,
    seeds: () =>
      ['192.0.2.1', '::ffff:192.0.2.1', '2001:db8::1', 'fe80::1%eth0', 'turn:h:3478'].map(encode),
    run(input) {
      const text = decode(input)
      isLoopback(text)
      iceHost({ urls: text })
      const network = networkOf(text)
      if (network.length > Math.max(text.length, 64)) throw new Error('a network with a long name')
      return network
    },
  },
  fields('swarm/ice-server', file('wire/ice-server.ts#parseIceServer'), parseIceServer, [
    { urls: 'stun:stun.example:3478' },
    { urls: ['turn:t.example:3478?transport=udp'], username: 'u', credential: 'c' },
  ]),
  fields('swarm/lane-count', file('wire/lane-count.ts#parseLaneCount'), parseLaneCount, [
    { lane: 0, providers: 3, askers: 1, lacking: 2 },
  ]),
  {
    name: 'swarm/key-in-link',
    covers: [file('membership/swarm-key.ts#parseSwarmKey')],
    kind: 'text',
    seeds: () =>
      [`https://a.test/#key=${'A'.repeat(43)}`, 'http://127.0.0.1:9000', '#key='].map(encode),
    run(input) {
      const said = keyInLink(decode(input))
      const key = parseSwarmKey(said)
      if (key !== undefined) same(keyInLink(linkWithKey('https://a.test/', key)), key, 'is lost')
      return key ?? said
    },
  },
  {
    name: 'swarm/allow-list',
    covers: [file('membership/allow-list.ts#parseAllowList')],
    kind: 'text',
    seeds: () =>
      [`# friends\n${KEYED[0]}  # Anna's\n\n${'0a'.repeat(32)}\n`, `${KEYED[1]}`].map(encode),
    run(input) {
      const peers = refusing({ SwarmError: ['bad-allow-list'] }, () =>
        parseAllowList(decode(input)),
      )
      if (peers === REFUSED) return REFUSED
      same([...parseAllowList([...peers].join('\n'))], [...peers], 'is another list')
      return peers
    },
  },
]
