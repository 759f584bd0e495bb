import { PROTOCOL_VERSION } from '@layerswarm/swarm'
import { multiaddr } from '@multiformats/multiaddr'
import {
  fetchBootstrap,
  fetchManifest,
  parseBootstrap,
} from '../../../packages/peer/src/bootstrap.ts'
import { checkOptions } from '../../../packages/peer/src/check-options.ts'
import { decodeInput, Refusal } from '../../../packages/peer/src/compute/plausible.ts'
import { decodeImage } from '../../../packages/peer/src/images/decode.node.ts'
import { headerOf, isCutOff } from '../../../packages/peer/src/images/picture-header.ts'
import { announcedAddress } from '../../../packages/peer/src/meeting/announced-address.ts'
import { meetingAddress, parseJoinUrl } from '../../../packages/peer/src/meeting/join-url.ts'
import { varintField } from '../../../packages/peer/src/meeting/reservation.ts'
import { PEER_DEFAULTS } from '../../../packages/peer/src/options.ts'
import {
  decode,
  encode,
  jsonOf,
  parsed,
  REFUSED,
  refusing,
  refusingLater,
  same,
  type Target,
} from '../target.ts'
import { answering } from './files.ts'
import { tinyManifest } from './model.ts'
import { STREAM_TARGETS } from './streams.ts'

const file = (name: string) => `packages/peer/src/${name}`
const JOIN = new URL('http://swarm.test/below/')
const PEER = '12D3KooWGzBsHjMDm7kXq8n4DNGNpDgcVsb6wvqYwPvuEBnWZ8mC'
const HASH = 'ab'.repeat(32)

/** What a server says of itself, with everything in it that may be. */
export const BOOTSTRAP = {
  protocol: PROTOCOL_VERSION,
  peerId: PEER,
  addresses: [`/dns4/swarm.test/tcp/9002/p2p/${PEER}`],
  iceServers: [{ urls: 'stun:stun.example:3478' }],
  others: ['https://other.example/swarm/'],
  releases: [
    {
      id: HASH,
      name: 'tiny',
      publisher: HASH,
      lanes: [{ lane: 0, providers: 2, askers: 1, lacking: 0 }],
    },
  ],
}

const BAD_BOOTSTRAP = { PeerError: ['bad-bootstrap'] }

/** Options that JSON can hold. */
const OPTIONS = { ...PEER_DEFAULTS, join: 'http://127.0.0.1:9000', wrapTransport: undefined }

export const PEER_TARGETS: readonly Target[] = [
  {
    name: 'peer/bootstrap',
    covers: [file('bootstrap.ts#parseBootstrap')],
    kind: 'json',
    seeds: () => [jsonOf(BOOTSTRAP)],
    run(input) {
      const given = parsed(input)
      if (given === REFUSED) return REFUSED
      const value = refusing(BAD_BOOTSTRAP, () => parseBootstrap(given, JOIN))
      if (value !== REFUSED)
        for (const { href } of value.others) same(parseJoinUrl(href).href, href, 'no folder')
      return value
    },
  },
  {
    name: 'peer/fetched-bootstrap',
    covers: [file('bootstrap.ts#fetchBootstrap'), file('store/http.ts#download')],
    kind: 'bytes',
    share: 0.004,
    seeds: () => [jsonOf(BOOTSTRAP), encode('<html>')],
    run: (input) =>
      answering(
        input,
        { 'content-range': decode(input.subarray(0, 20)).replace(/[^ -~]/g, '') },
        () =>
          refusingLater({ PeerError: ['bad-bootstrap', 'unreachable'] }, () =>
            fetchBootstrap(JOIN),
          ),
      ),
  },
  {
    name: 'peer/fetched-manifest',
    covers: [file('bootstrap.ts#fetchManifest')],
    kind: 'json',
    share: 0.002,
    seeds: () => [jsonOf(tinyManifest())],
    run(input) {
      const offered = { id: HASH, name: 'tiny', publisher: HASH, lanes: undefined } as const
      const codes = ['bad-manifest', 'unreachable', 'untrusted-publisher']
      return answering(input, {}, () =>
        refusingLater({ PeerError: codes }, () => fetchManifest(JOIN, offered as never, undefined)),
      )
    },
  },
  {
    name: 'peer/join-url',
    covers: [file('meeting/join-url.ts#parseJoinUrl')],
    kind: 'text',
    seeds: () =>
      ['http://127.0.0.1:9000', 'https://h.test/a%20b/index.html?x#y', 'http://[::1]/'].map(encode),
    run(input) {
      const url = refusing({ PeerError: ['bad-join-url'] }, () => parseJoinUrl(decode(input)))
      if (url === REFUSED) return REFUSED
      same(parseJoinUrl(url.href).href, url.href, 'a folder of a folder')
      const address = meetingAddress(url, PEER)
      // Hosts that no multiaddr names are found by whoever dials.
      if (/^[a-z0-9.:[\]-]*$/.test(url.hostname)) multiaddr(address)
      return address
    },
  },
  {
    name: 'peer/announced-address',
    covers: [file('meeting/announced-address.ts#announcedAddress')],
    kind: 'text',
    share: 0.5,
    seeds: () =>
      ['/dns4/v.test/tcp/9002/ws', 'https://v.test/swarm', '/ip6/::1/tcp/443'].map(encode),
    run(input) {
      const address = refusing({ PeerError: ['bad-options'] }, () =>
        announcedAddress(decode(input)),
      )
      if (address !== REFUSED) multiaddr(address)
      return address
    },
  },
  {
    name: 'peer/options',
    covers: [file('check-options.ts#checkOptions')],
    kind: 'json',
    seeds: () => [
      jsonOf(OPTIONS),
      jsonOf({ ...OPTIONS, host: '127.0.0.1', announce: ['/dns4/v.test/tcp/9002'], serve: [0, 1] }),
    ],
    run(input) {
      const given = parsed(input)
      if (given === REFUSED) return REFUSED
      const options = { ...PEER_DEFAULTS, ...Object(given) }
      return refusing({ PeerError: ['bad-options'] }, () => ({ ...checkOptions(options) }))
    },
  },
  {
    name: 'peer/relay-answer',
    covers: [file('meeting/reservation.ts#varintField')],
    kind: 'bytes',
    share: 4,
    seeds: () => [Uint8Array.of(8, 2, 40, 100), Uint8Array.of(18, 2, 1, 1, 40, 200, 1)],
    run: (input) => varintField(input, 5) ?? REFUSED,
  },
  {
    name: 'peer/layer-input',
    covers: [file('compute/plausible.ts#decodeInput')],
    kind: 'bytes',
    share: 2,
    seeds: () => [new Uint8Array(4 + 24).fill(1), Uint8Array.of(1, 1, 1, 1, 0, 60)],
    run(input) {
      const [batch = 0, tokens = 0, width = 0, at = 0] = input
      const dtype = (['float32', 'float16', 'int8'] as const)[at % 3] ?? 'float32'
      const bytes = input.subarray(4)
      return refusing({ ModelError: ['bad-activation'] }, () => {
        try {
          return decodeInput({ dtype, shape: [batch, tokens, width], bytes })
        } catch (error) {
          if (error instanceof Refusal) return REFUSED
          throw error
        }
      })
    },
  },
  {
    name: 'peer/picture',
    covers: [file('images/decode.node.ts#decodeImage'), file('images/image-source.ts#isPixels')],
    kind: 'bytes',
    // Decoded by sharp, on threads of its own.
    share: 0.001,
    // A picture may have many pixels in few bytes: as many as PICTURE_PIXELS_MAX, a second or two of a processor.
    msMax: 60_000,
    besideBytes: 64 * 2 ** 20,
    seeds: () => [PNG, JPEG],
    run: (input) =>
      refusingLater({ PeerError: ['bad-image'] }, () =>
        decodeImage(new Blob([new Uint8Array(input)])),
      ),
  },
  {
    name: 'peer/picture-header',
    covers: [file('images/picture-header.ts#headerOf'), file('images/picture-header.ts#isCutOff')],
    kind: 'bytes',
    seeds: () => [PNG, JPEG, WEBP],
    run(input) {
      const header = headerOf(input)
      if (header === undefined) return REFUSED
      const { width = 1, height = 1 } = header.size ?? {}
      if (!(width > 0 && height > 0)) throw new Error('a size that no picture has')
      return isCutOff(header, input, input, input.length)
    },
  },
  ...STREAM_TARGETS,
]

/** The first 30 bytes of a WebP that is extended. */
const WEBP = Buffer.from('524946461600000057454250565038580a000000000000000f00000f0000', 'hex')
/** One red pixel. */
const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==',
  'base64',
)
/** The beginning of a JPEG: a marker, a JFIF header, the start of a frame. */
const JPEG = Buffer.from(
  'ffd8ffe000104a46494600010100000100010000ffc0000b080001000101011100ffd9',
  'hex',
)
