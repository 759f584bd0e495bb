import './polyfill.node.ts'
import { randomBytes } from 'node:crypto'
import type { SwarmKey } from '@layerswarm/swarm'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { ConnectionEncrypter, Logger, MultiaddrConnection, PeerId } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddrConnectionPair } from '@libp2p/utils'
import { describe, expect, test } from 'vitest'
import { memberNoise } from './membership.ts'

const newKey = () => randomBytes(32).toString('base64url') as SwarmKey
const KEY = newKey()

/** Logs nothing, in every scope. */
const SILENT: Logger = Object.assign(() => {}, {
  error() {},
  trace() {},
  newScope: () => SILENT,
  enabled: false,
})

/** Somebody who shakes hands. */
interface Person {
  readonly noise: ConnectionEncrypter
  readonly peer: PeerId
}

async function person(key: SwarmKey | undefined): Promise<Person> {
  const privateKey = await generateKeyPair('Ed25519')
  const peer = peerIdFromPrivateKey(privateKey)
  const upgrader = { getStreamMuxers: () => new Map() }
  const parts = { peerId: peer, privateKey, upgrader, logger: { forComponent: () => SILENT } }
  return { noise: memberNoise(key)(parts as never), peer }
}

/** What whoever dials, and whoever is dialled, find out about the other; the reason where nothing. */
async function shakeHands(dialler: Person, dialled: Person) {
  const [near, far] = multiaddrConnectionPair()
  // Who gives up hangs up, as libp2p's upgrader does.
  const orHangUp = (handshake: Promise<{ remotePeer: PeerId }>, end: MultiaddrConnection) =>
    handshake.then(
      ({ remotePeer }) => remotePeer,
      (error: Error) => {
        end.abort(error)
        return undefined
      },
    )
  return Promise.all([
    orHangUp(dialler.noise.secureOutbound(near), near),
    orHangUp(dialled.noise.secureInbound(far), far),
  ])
}

/** A connection of which every message that this end says is noted. */
function noted(connection: MultiaddrConnection): Uint8Array[] {
  const said: Uint8Array[] = []
  const send = connection.send.bind(connection)
  connection.send = (data) => {
    said.push(data.subarray().slice())
    return send(data)
  }
  return said
}

const soon = () => ({ signal: AbortSignal.timeout(300) })

describe('the handshake of a private swarm', () => {
  test('is completed by two members, who know each other then', async () => {
    const [one, other] = [await person(KEY), await person(KEY)]
    expect(await shakeHands(one, other)).toEqual([other.peer, one.peer])
  })

  test('is that of every swarm where there is no key', async () => {
    const [one, other] = [await person(undefined), await person(undefined)]
    expect(await shakeHands(one, other)).toEqual([other.peer, one.peer])
  })

  test.each([
    ['without a key', undefined],
    ['with another key', newKey()],
    ['with a key of which one letter is wrong', `${KEY.slice(1)}${KEY[0]}` as SwarmKey],
  ])('fails for both with somebody %s, whoever dials', async (_, key) => {
    const [member, outsider] = [await person(KEY), await person(key)]
    expect(await shakeHands(outsider, member)).toEqual([undefined, undefined])
    expect(await shakeHands(member, outsider)).toEqual([undefined, undefined])
  })

  test('cannot be replayed: what a member said once is worth nothing the next time', async () => {
    const [member, other] = [await person(KEY), await person(KEY)]
    const [near, far] = multiaddrConnectionPair()
    const said = noted(near)
    const [first] = await Promise.all([
      other.noise.secureInbound(far),
      member.noise.secureOutbound(near),
    ])
    expect(first.remotePeer).toEqual(member.peer)
    const [recorded, again] = multiaddrConnectionPair()
    for (const message of said) recorded.send(message)
    await expect(other.noise.secureInbound(again, soon())).rejects.toThrow('validation fail')
  })

  test('cannot be reflected: whoever gets his own messages back gives up', async () => {
    const member = await person(KEY)
    const [near, far] = multiaddrConnectionPair()
    far.addEventListener('message', ({ data }) => far.send(data.subarray().slice()))
    await expect(member.noise.secureOutbound(near, soon())).rejects.toThrow()
  })

  test('led back to the member who began it names itself, never the one it was to be with', async () => {
    const [member, other] = [await person(KEY), await person(KEY)]
    const [near, far] = multiaddrConnectionPair()
    const [back, own] = multiaddrConnectionPair()
    far.addEventListener('message', ({ data }) => void back.send(data.subarray().slice()))
    back.addEventListener('message', ({ data }) => void far.send(data.subarray().slice()))
    member.noise.secureInbound(own, soon()).catch(() => undefined)
    await expect(
      member.noise.secureOutbound(near, { ...soon(), remotePeer: other.peer }),
    ).rejects.toThrow('not match')
  })

  test.each([
    ['is silent', []],
    ['stops in the middle of a message', [Uint8Array.of(0, 32, 1, 2, 3)]],
    ['sends the longest message that there is', [Uint8Array.of(255, 255), randomBytes(65_535)]],
    ['sends noise', [Uint8Array.of(0, 32), randomBytes(32), Uint8Array.of(0, 96), randomBytes(96)]],
  ])('ends with who %s when the time is up, at the latest', async (_, messages) => {
    const member = await person(KEY)
    const [near, far] = multiaddrConnectionPair()
    for (const message of messages) near.send(message)
    await expect(member.noise.secureInbound(far, soon())).rejects.toThrow()
  })
})
