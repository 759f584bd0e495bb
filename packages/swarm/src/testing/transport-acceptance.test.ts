import { describe, expect, test } from 'vitest'
import { MESSAGE_BYTES_MAX } from '../limits.ts'
import { encodeMessage, type PeerId } from '../wire/messages.ts'
import { transportAcceptance } from './transport-acceptance.ts'
import { failingWith, type TransportBreak, transportBench } from './transport-breaks.ts'

describe('the simulated network is a transport: it', () => {
  for (const { name, run } of transportAcceptance(transportBench)) test(name, run)
})

function times(ms: number | undefined, factor: number): number | undefined {
  return ms === undefined ? undefined : ms * factor
}

const BREAKS: readonly TransportBreak[] = [
  [
    'delivers twice',
    (transport) => ({
      listen: ({ messageArrived, peerDisconnected }) =>
        transport.listen({
          peerDisconnected,
          messageArrived(from, message, via) {
            messageArrived(from, message, via)
            messageArrived(from, message, via)
          },
        }),
    }),
    'delivers every message to all others once, as its author said it',
  ],
  [
    'takes everything for signed',
    () => ({ verify: (_, verified) => verified(true) }),
    'signs what every other can check, and takes nothing else for true',
  ],
  [
    'answers twice whether something was signed',
    (transport) => ({
      verify(statements, verified) {
        transport.verify(statements, verified)
        transport.verify(statements, verified)
      },
    }),
    'signs what every other can check, and takes nothing else for true',
  ],
  [
    'delivers to the author',
    (transport) => {
      let hear: (() => void) | undefined
      return {
        listen(events) {
          hear = () =>
            events.messageArrived(
              transport.self,
              { kind: 'done', isPublic: false, request: '' as never },
              transport.self,
            )
          return transport.listen(events)
        },
        publish(message) {
          transport.publish(message)
          hear?.()
        },
      }
    },
    'delivers every message to all others once, as its author said it',
  ],
  ['stays in its lane', () => ({ enter: () => undefined }), 'keeps lanes apart'],
  [
    'counts lanes twice',
    (transport) => ({
      countLanes: (counted) =>
        transport.countLanes((lanes) => {
          counted(lanes)
          counted(lanes)
        }),
    }),
    'says once how full the lanes are, or that it cannot say',
  ],
  [
    'loses every tenth message',
    (transport) => {
      let said = 0
      return {
        publish: (message) => {
          if (++said % 10 > 0) transport.publish(message)
        },
      }
    },
    'delivers many messages at once, each once',
  ],
  [
    'goes on telling who stopped listening',
    (transport) => ({
      listen(events) {
        transport.listen(events)
        return () => {}
      },
    }),
    'tells a listener nothing after it stopped, and the others all',
  ],
  [
    'tells everything twice',
    (transport) => ({
      tell(message, to) {
        transport.tell(message, to)
        transport.tell(message, to)
      },
    }),
    'tells a message to one peer, once, and to nobody else',
  ],
  [
    'tells everybody what is for one',
    (transport) => ({ tell: (message) => transport.publish(message) }),
    'tells a message to one peer, once, and to nobody else',
  ],
  [
    'loses every tenth message that it tells',
    (transport) => {
      let said = 0
      return {
        tell: (message, to) => {
          if (++said % 10 > 0) transport.tell(message, to)
        },
      }
    },
    'tells many messages at once, each once',
  ],
  [
    'throws when it tells a stranger',
    (transport) => ({
      tell(message, to) {
        if (!transport.reaches(to)) throw new Error('nobody is there')
        transport.tell(message, to)
      },
    }),
    'never throws when it tells a stranger or after its end, and nobody hears it',
  ],
  [
    'listens to a banned peer that tells',
    () => ({ ban: () => {} }),
    'does not hear what a banned peer tells',
  ],
  [
    'is its own neighbour',
    (transport) => ({ neighbours: () => [transport.self, ...transport.neighbours()] }),
    'knows whom it reaches, until they are gone',
  ],
  [
    'reaches who is gone',
    (transport) => {
      const met = new Set<PeerId>()
      return {
        reaches(peer) {
          if (transport.reaches(peer)) met.add(peer)
          return met.has(peer)
        },
      }
    },
    'knows whom it reaches, until they are gone',
  ],
  ['measures nothing', () => ({ rttMs: () => undefined }), 'knows soon how far its neighbours are'],
  ['believes all to be here', () => ({ rttMs: () => 0 }), 'knows soon how far its neighbours are'],
  ['does not ban', () => ({ ban: () => {} }), 'does not hear whom it bans, through others neither'],
  [
    'says twice who is gone',
    (transport) => ({
      listen: ({ messageArrived, peerDisconnected }) =>
        transport.listen({
          messageArrived,
          peerDisconnected(peer) {
            peerDisconnected(peer)
            peerDisconnected(peer)
          },
        }),
    }),
    'says once that a peer is gone',
  ],
  [
    'tells no step that names who goes on',
    (transport) => ({
      tell(message, to) {
        if (!(message.kind === 'step' && message.next !== undefined)) transport.tell(message, to)
      },
    }),
    'tells a message to one peer, once, and to nobody else',
  ],
  [
    'publishes no step that names who goes on',
    (transport) => ({
      publish(message) {
        if (!(message.kind === 'step' && message.next !== undefined)) transport.publish(message)
      },
    }),
    'delivers every message to all others once, as its author said it',
  ],
  [
    'publishes no step that names nobody',
    (transport) => ({
      publish(message) {
        if (!(message.kind === 'step' && message.next === undefined)) transport.publish(message)
      },
    }),
    'delivers every message to all others once, as its author said it',
  ],
  [
    'publishes no public end of a request',
    (transport) => ({
      publish(message) {
        if (!(message.kind === 'done' && message.isPublic)) transport.publish(message)
      },
    }),
    'delivers every message to all others once, as its author said it',
  ],
  [
    'publishes no goodbye',
    (transport) => ({
      publish(message) {
        if (!(message.kind === 'presence' && message.leaving)) transport.publish(message)
      },
    }),
    'delivers every message to all others once, as its author said it',
  ],
  [
    'tells no goodbye',
    (transport) => ({
      tell(message, to) {
        if (!(message.kind === 'presence' && message.leaving)) transport.tell(message, to)
      },
    }),
    'tells a message to one peer, once, and to nobody else',
  ],
  [
    'asks nobody in public to choose again',
    (transport) => ({
      publish(message) {
        if (!(message.kind === 'again')) transport.publish(message)
      },
    }),
    'delivers every message to all others once, as its author said it',
  ],
  [
    'tells no claim of a lost tensor',
    (transport) => ({
      tell(message, to) {
        if (!(message.kind === 'claim' && message.lost)) transport.tell(message, to)
      },
    }),
    'tells a message to one peer, once, and to nobody else',
  ],
  [
    'tells no message of more than half of the largest size',
    (transport) => ({
      tell(message, to) {
        if (!(encodeMessage(message).length > MESSAGE_BYTES_MAX / 2)) transport.tell(message, to)
      },
    }),
    'delivers and tells messages as large as they may be',
  ],
  [
    'tells no message with a kilobyte of addresses',
    (transport) => ({
      tell(message, to) {
        if (!(message.kind === 'presence' && encodeMessage(message).length > 1_000))
          transport.tell(message, to)
      },
    }),
    'delivers and tells messages as large as they may be',
  ],
  [
    'publishes no message of more than half of the largest size',
    (transport) => ({
      publish(message) {
        if (!(encodeMessage(message).length > MESSAGE_BYTES_MAX / 2)) transport.publish(message)
      },
    }),
    'delivers and tells messages as large as they may be',
  ],
  [
    'throws when a listener stops twice',
    (transport) => ({
      listen(events) {
        let stop: (() => void) | undefined = transport.listen(events)
        return () => {
          if (stop === undefined) throw new Error('it has stopped')
          stop()
          stop = undefined
        }
      },
    }),
    'tells a listener nothing after it stopped, and the others all',
  ],
  [
    'measures round trips in microseconds',
    (transport) => ({ rttMs: (peer) => times(transport.rttMs(peer), 1_000) }),
    'knows soon how far its neighbours are',
  ],
  [
    'measures round trips in seconds',
    (transport) => ({ rttMs: (peer) => times(transport.rttMs(peer), 0.001) }),
    'knows soon how far its neighbours are',
  ],
  ...[Number.POSITIVE_INFINITY, Number.NaN, 0, -1].map(
    (speed): TransportBreak => [
      `has an access of ${speed} bytes per millisecond`,
      () => ({ accessSpeed: () => ({ upload: undefined, download: speed }) }),
      'knows soon how far its neighbours are',
    ],
  ),
  [
    'throws when it publishes',
    () => ({
      publish() {
        throw new Error('nobody is there')
      },
    }),
    'never throws when it publishes, after its end neither',
  ],
]

describe('the suite of transports catches one that', () => {
  test.each(BREAKS)('%s', async (_, change, name) => {
    expect(await failingWith(change)).toContain(name)
  })
})
