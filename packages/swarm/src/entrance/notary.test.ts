import { expect, test } from 'vitest'
import type { PeerId, Signature } from '../wire/messages.ts'
import { VERIFIED_MAX } from './limits.ts'
import { Notary } from './notary.ts'

const statement = (byte: number, by = 'a', signature = `${byte}`) => ({
  by: by as PeerId,
  bytes: Uint8Array.of(byte, 1, 2),
  signature: signature as Signature,
  after: '',
})

test('what was checked once is known, of its signer and its bytes alone', () => {
  const notary = new Notary()
  expect(notary.unknown([statement(2), statement(1)])).toEqual([statement(1), statement(2)])
  notary.learn([statement(1)])
  expect(notary.unknown([statement(2), statement(1)])).toEqual([statement(2)])
  expect(notary.unknown([statement(1, 'b')])).toHaveLength(1)
  expect(notary.unknown([statement(3, 'a', '1')])).toHaveLength(1)
})

test('before a link that is known none is asked for, if the same ones are before it', () => {
  const notary = new Notary()
  notary.learn([statement(2)])
  function* chain(after: string) {
    yield statement(3)
    yield { ...statement(2), after }
    yield statement(1)
  }
  expect(notary.unknown(chain(''))).toEqual([statement(3)])
  expect(notary.unknown(chain('others'))).toHaveLength(3)
})

test('no more is remembered than a bound, and the longest known makes room', () => {
  const notary = new Notary()
  for (let i = 0; i <= VERIFIED_MAX; i++) notary.learn([statement(1, 'a', `s${i}`)])
  expect(notary.unknown([statement(1, 'a', 's0')])).toHaveLength(1)
  expect(notary.unknown([statement(1, 'a', 's1')])).toHaveLength(0)
})
