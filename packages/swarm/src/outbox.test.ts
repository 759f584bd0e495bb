import { expect, test } from 'vitest'
import { withOwnLink } from './chain/own-link.ts'
import { UNSIGNED } from './chain/statement.ts'
import { Outbox } from './outbox.ts'
import type { Transport } from './ports.ts'
import { ANY_SIGNATURE } from './testing/any-chain.ts'
import { anyPresence } from './testing/any-presence.ts'
import { anyStep, heldTensor } from './testing/any-step.ts'
import { VirtualClock } from './testing/virtual-clock.ts'
import type { Message, PeerId, Signature, TensorHash } from './wire/messages.ts'

const [self, other] = ['self', 'other'] as PeerId[] as [PeerId, PeerId]
const hash = 'h' as TensorHash
const first = withOwnLink(
  anyStep({ requester: self, next: other, activation: heldTensor(self) }),
  self,
)

/** An outbox whose transport signs when it is told to, and what has left it. */
function outbox() {
  const left: (string | Message)[] = []
  const signing: ((signature: Signature | undefined) => void)[] = []
  const transport = {
    sign: (_, signed) => void signing.push(signed),
    publish: (message) => void left.push(message),
    tell: (message) => void left.push(message),
    push: () => void left.push('push'),
  } as Pick<Transport, 'sign' | 'publish' | 'tell' | 'push'> as Transport
  const clock = new VirtualClock()
  const known: string[] = []
  const signed = ({ signature }: { signature: string }) => void known.push(signature)
  const one = new Outbox({ transport, clock }, '5'.repeat(64), signed)
  return { one, left, signing, known, clock }
}

test('a step is signed before it leaves, and what comes after it waits', () => {
  const { one, left, signing, known } = outbox()
  one.send({ do: 'tell', message: first, to: [other] })
  one.send({ do: 'push', hash, to: other })
  expect(left).toEqual([])
  signing[0]?.(ANY_SIGNATURE)
  expect(known).toEqual([ANY_SIGNATURE])
  expect(left).toMatchObject([{ kind: 'step', chain: [{ signature: ANY_SIGNATURE }] }, 'push'])
  expect(signing).toHaveLength(1)
})

test('what cannot be signed is not said, and the rest goes on', () => {
  const { one, left, signing } = outbox()
  one.send({ do: 'publish', message: first })
  one.send({ do: 'push', hash, to: other })
  signing[0]?.(undefined)
  expect(left).toEqual(['push'])
})

test('a step that is signed already leaves as it is', () => {
  const { one, left, signing } = outbox()
  const [link] = first.chain
  const said = { ...first, chain: link ? [{ ...link, signature: ANY_SIGNATURE }] : [] }
  one.send({ do: 'publish', message: said })
  expect([left, signing]).toEqual([[said], []])
})

test('to choose again is asked with the link of the step that goes on in the new era', () => {
  const { one, left, signing } = outbox()
  one.send({ do: 'ask-again', step: { ...first, era: 2 }, suspect: other, to: other })
  expect(left).toEqual([])
  signing[0]?.(ANY_SIGNATURE)
  expect(left).toEqual([
    {
      kind: 'again',
      request: first.request,
      era: 2,
      hop: 0,
      suspect: other,
      barred: [],
      signature: ANY_SIGNATURE,
    },
  ])
  expect(first.chain).toMatchObject([{ signature: UNSIGNED }])
})

test('presence carries the clock at which it leaves', () => {
  const { one, left, clock } = outbox()
  clock.run(70)
  one.send({ do: 'publish', message: anyPresence() })
  one.send({ do: 'tell', message: anyPresence(), to: [other] })
  expect(left).toMatchObject([{ clockMs: 70 }, { clockMs: 70 }])
})
