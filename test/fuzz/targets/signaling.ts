import { mkdirSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { manifestBytes, releaseId } from '@layerswarm/model'
import { encodeMessage, PRESENCE_TTL_MS, presenceTopic } from '@layerswarm/swarm'
import { SIMULATED_RELEASE } from '@layerswarm/swarm/testing'
import { generateKeyPair, privateKeyToProtobuf } from '@libp2p/crypto/keys'
import { readAnnounced } from '../../../packages/signaling/src/announce.ts'
import { readCertificate } from '../../../packages/signaling/src/certificate.ts'
import { chooseEncoding } from '../../../packages/signaling/src/http/compression.ts'
import { findFile } from '../../../packages/signaling/src/http/static-files.ts'
import { visitorOf } from '../../../packages/signaling/src/http/visitor.ts'
import { loadIdentity } from '../../../packages/signaling/src/identity.ts'
import { readServer } from '../../../packages/signaling/src/peering/other-server.ts'
import { parsePeerWith } from '../../../packages/signaling/src/peering/peering.ts'
import { createPresenceGate } from '../../../packages/signaling/src/presence-gate.ts'
import { loadRelease } from '../../../packages/signaling/src/releases.ts'
import { createToken, isHashedToken } from '../../../packages/signaling/src/token.ts'
import { createUploads } from '../../../packages/signaling/src/uploads.ts'
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
import { answering, scratch, written } from './files.ts'
import { tinyManifest } from './model.ts'
import { BOOTSTRAP } from './peer.ts'
import { anyMessages, KEYED } from './swarm.ts'

const file = (name: string) => `packages/signaling/src/${name}`
const BAD_OPTION = { SignalingError: ['bad-option'] }

/** The lines of a text, as flags that may be given several times. */
const lines = (input: Uint8Array) => decode(input).split('\n').slice(0, 40)

/** One gate for a whole run: what it remembers is bounded, whatever it is told. */
const gate = createPresenceGate({ namesMax: 64 })
let nowMs = 0

export const SIGNALING_TARGETS: readonly Target[] = [
  {
    name: 'signaling/presence',
    covers: [file('presence-gate.ts#createPresenceGate')],
    kind: 'bytes',
    share: 0.5,
    seeds: () => anyMessages().map((message) => Uint8Array.of(0, ...encodeMessage(message))),
    run(input) {
      const [who = 0] = input
      nowMs += who
      const verdict = gate.judge(
        {
          source: `s${who}`,
          isServer: who % 7 !== 0,
          network: who % 3 === 0 ? undefined : `192.0.2.${who % 16}`,
          topic: presenceTopic(SIMULATED_RELEASE, who % 2),
          author: who % 5 === 0 ? `s${who}` : (KEYED[who % 3] ?? ''),
          number: BigInt(nowMs),
          bytes: input.subarray(1),
        },
        nowMs,
      )
      const peers = gate.peers(nowMs)
      if (peers.some(({ heardAtMs }) => nowMs - heardAtMs >= PRESENCE_TTL_MS))
        throw new Error('somebody who was not heard for long')
      return verdict === 'accept' ? verdict : REFUSED
    },
  },
  {
    name: 'signaling/announced',
    covers: [file('announce.ts#readAnnounced')],
    kind: 'text',
    share: 0.5,
    seeds: () =>
      ['https://swarm.test/a/\n/dns4/swarm.test/tcp/9002', '/ip6/::1/tcp/1/ws'].map(encode),
    run: (input) => refusing(BAD_OPTION, () => readAnnounced(lines(input))),
  },
  {
    name: 'signaling/peer-with',
    covers: [file('peering/peering.ts#parsePeerWith')],
    kind: 'text',
    seeds: () => ['https://a.test/swarm?x#y\nhttp://b.test', 'http://[::1]:9000/'].map(encode),
    run(input) {
      const urls = refusing(BAD_OPTION, () => parsePeerWith(lines(input)))
      if (urls === REFUSED) return REFUSED
      const texts = urls.map(({ href }) => href)
      same(parsePeerWith(texts).map(String), texts, 'is read differently a second time')
      return urls
    },
  },
  {
    name: 'signaling/other-server',
    covers: [file('peering/other-server.ts#readServer')],
    kind: 'json',
    share: 0.004,
    seeds: () => [jsonOf(BOOTSTRAP)],
    run: (input) =>
      answering(input, {}, () =>
        readServer(new URL('http://swarm.test/'), new AbortController().signal).catch(
          (error: unknown) => {
            // It throws an Error with one line, which the log takes as it is.
            if (!(error instanceof Error) || error.constructor !== Error) throw error
            if (/\n/.test(error.message) || error.message.length > 300) throw error
            return REFUSED
          },
        ),
      ),
  },
  {
    name: 'signaling/token',
    covers: [file('token.ts#createToken')],
    kind: 'text',
    share: 0.2,
    seeds: () => ['Bearer abcdefghijklmnop', `Bearer sha256:${'ab'.repeat(32)}`].map(encode),
    run(input) {
      const text = decode(input)
      isHashedToken(text)
      const isRight = createToken('abcdefghijklmnop').isAllowed(text)
      if (isRight && !/^Bearer abcdefghijklmnop$/i.test(text)) throw new Error('a wrong token')
      return isRight ? text : REFUSED
    },
  },
  {
    name: 'signaling/headers',
    covers: [file('http/visitor.ts#visitorOf'), file('http/compression.ts#chooseEncoding')],
    kind: 'json',
    seeds: () => [
      jsonOf({ 'x-forwarded-for': '192.0.2.1, [2001:db8::1]:80', host: 'localhost:9000' }),
      jsonOf({ 'accept-encoding': 'gzip;q=0.5, br', forwarded: 'for=1', host: '[::1]' }),
    ],
    run(input) {
      const value = parsed(input)
      if (typeof value !== 'object' || value === null) return REFUSED
      // As Node hands them over: texts, by names in lower case.
      const headers = Object.fromEntries(
        Object.entries(value).map(([name, text]) => [name.toLowerCase(), String(jsonText(text))]),
      )
      const socket = { remoteAddress: '127.0.0.1' } as IncomingMessage['socket']
      const visitor = visitorOf({ headers, socket }, true)
      if (visitor.address.length > 45) throw new Error('an address that is none')
      return { visitor, encoding: chooseEncoding(headers, 'text/html', 100_000) }
    },
  },
  {
    name: 'signaling/path',
    covers: [file('http/static-files.ts#findFile')],
    kind: 'text',
    share: 0.004,
    seeds: () => ['/', '/index.html', '/a/..%2f..%2fsecret', '/%2e%2e/secret'].map(encode),
    async run(input) {
      const folder = join(scratch(), 'page')
      mkdirSync(folder, { recursive: true })
      written('secret', 'outside')
      written('page/index.html', 'inside')
      const found = await findFile(folder, decode(input))
      if (found === undefined) return REFUSED
      if (!found.path.endsWith('/page/index.html')) throw new Error('a file outside of the folder')
      return found
    },
  },
  {
    name: 'signaling/uploaded-manifest',
    covers: [file('uploads.ts#createUploads')],
    kind: 'json',
    share: 0.002,
    seeds: () => [manifestBytes(tinyManifest())],
    run(input) {
      const dir = join(scratch(), 'uploads')
      const uploads = createUploads({ token: 'abcdefghijklmnop', dir }, () => undefined)
      return refusingLater({ UploadError: ['upload-refused'] }, () =>
        uploads.putManifest(releaseId(tinyManifest()), input),
      )
    },
  },
  {
    name: 'signaling/release',
    covers: [file('releases.ts#loadRelease')],
    kind: 'json',
    share: 0.002,
    seeds: () => [manifestBytes(tinyManifest())],
    run(input) {
      written('manifest.json', input)
      return refusingLater({ SignalingError: ['bad-release'] }, () => loadRelease(scratch()))
    },
  },
  {
    name: 'signaling/identity',
    covers: [file('identity.ts#loadIdentity')],
    kind: 'bytes',
    share: 0.004,
    seeds: () => [IDENTITY],
    async run(input) {
      written('identity.key', input)
      const key = await refusingLater({ SignalingError: ['bad-identity'] }, () =>
        loadIdentity(scratch()),
      )
      return key === REFUSED ? REFUSED : { type: key.type }
    },
  },
  {
    name: 'signaling/certificate',
    covers: [file('certificate.ts#readCertificate')],
    kind: 'text',
    share: 0.004,
    seeds: () => [
      encode('-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n'),
      encode(
        '-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIAcHBwc=\n-----END PRIVATE KEY-----',
      ),
    ],
    run(input) {
      const pem = written('one.pem', input)
      return refusingLater({ SignalingError: ['bad-certificate'] }, () =>
        readCertificate({ certFile: pem, keyFile: pem }),
      )
    },
  },
]

/** A header is a text; what JSON holds besides is written as JSON. */
const jsonText = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value))

const IDENTITY = privateKeyToProtobuf(await generateKeyPair('Ed25519'))
