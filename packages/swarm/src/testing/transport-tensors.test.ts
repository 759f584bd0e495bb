import { describe, expect, test } from 'vitest'
import type { TensorHash } from '../wire/messages.ts'
import { failingWith, type TransportBreak } from './transport-breaks.ts'

const BREAKS: readonly TransportBreak[] = [
  [
    'hands over other bytes',
    (transport) => ({
      pull: (tensor, isAwaited, pulled) =>
        transport.pull(tensor, isAwaited, (bytes) => pulled(bytes?.map((byte) => byte ^ 1))),
    }),
    'hands over an offered tensor, to many and to its own holder',
  ],
  [
    'keeps what is withdrawn',
    () => ({ withdraw: () => {} }),
    'does not hand over a tensor that was withdrawn',
  ],
  [
    'answers a pull that was cancelled',
    (transport) => ({
      pull(tensor, isAwaited, pulled) {
        transport.pull(tensor, isAwaited, pulled)
        return () => {}
      },
    }),
    'says nothing about a pull that was cancelled',
  ],
  [
    'does not push',
    () => ({ push: () => {} }),
    'gives a pushed tensor without asking its holder, awaited or not',
  ],
  [
    'pushes other bytes',
    (transport) => ({
      pull: (tensor, isAwaited, pulled) =>
        transport.pull(tensor, isAwaited, (bytes) =>
          pulled(isAwaited ? bytes?.with(0, (bytes[0] ?? 0) ^ 1) : bytes),
        ),
    }),
    'waits for a tensor that is to be pushed',
  ],
  [
    'asks its holder for what was pushed',
    (transport) => ({
      push: () => {},
      pull: (tensor, _, pulled) => transport.pull(tensor, false, pulled),
    }),
    'gives a pushed tensor without asking its holder, awaited or not',
  ],
  [
    'waits for a push for ever',
    (transport) => ({
      pull: (tensor, isAwaited, pulled) =>
        isAwaited ? () => {} : transport.pull(tensor, isAwaited, pulled),
    }),
    'asks for an awaited tensor that is not pushed',
  ],
  [
    'answers an awaited pull that was cancelled',
    (transport) => ({
      pull(tensor, isAwaited, pulled) {
        const cancel = transport.pull(tensor, isAwaited, pulled)
        return isAwaited ? () => {} : cancel
      },
    }),
    'says nothing about an awaited pull that was cancelled',
  ],
  [
    'answers an offer twice',
    (transport) => ({
      offer: (bytes, offered) =>
        transport.offer(bytes, (hash) => {
          offered(hash)
          offered(hash)
        }),
    }),
    'answers an offer once',
  ],
  [
    'throws when it withdraws what it never had',
    (transport) => {
      const known = new Set<TensorHash | undefined>()
      return {
        offer: (bytes, offered) =>
          transport.offer(bytes, (hash) => {
            known.add(hash)
            offered(hash)
          }),
        withdraw(hash) {
          if (!known.has(hash)) throw new Error('it is not here')
          transport.withdraw(hash)
        },
      }
    },
    'does not mind to withdraw a tensor that it never had',
  ],
]

describe('the suite of transports catches one that, with tensors,', () => {
  test.each(BREAKS)('%s', async (_, change, name) => {
    expect(await failingWith(change)).toContain(name)
  })
})
