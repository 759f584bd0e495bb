import type { SignedStatement } from '../chain/statement.ts'
import type { Transport } from '../ports.ts'
import type { PeerId, Signature } from '../wire/messages.ts'
import { demand, demandEqual, until } from './acceptance.ts'
import { ANY_SIGNATURE } from './any-chain.ts'
import { PATIENCE_MS } from './limits.ts'
import { at, type Ear, type TransportBench } from './transport-bench.ts'

/** What one signs every other can check, and nothing else is true. @throws Error when it is not so. */
export async function signsWhatOthersCheck(
  bench: TransportBench,
  lane: readonly Ear[],
): Promise<void> {
  const [signer, other] = [at(lane, 0).transport, at(lane, 1).transport]
  const bytes = Uint8Array.of(1, 2, 3)
  const made: SignedStatement[] = []
  for (const transport of [signer, other])
    made.push({ by: transport.self, bytes, signature: await signatureOf(bench, transport, bytes) })
  const [one, two] = made as [SignedStatement, SignedStatement]
  const check = (what: string, statements: readonly SignedStatement[], expected: boolean) =>
    checked(bench, other, what, statements, expected)
  await check('none', [], true)
  await check('two of two peers', made, true)
  await check('other bytes', [{ ...one, bytes: Uint8Array.of(1, 2, 4) }], false)
  await check('another signer', [{ ...one, by: other.self }], false)
  await check('another signature', [{ ...one, signature: two.signature }], false)
  await check('no signature', [{ ...one, signature: ANY_SIGNATURE }], false)
  await check('one of two that is false', [two, { ...one, by: other.self }], false)
  await check('a name that is none', [{ ...one, by: 'nobody' as PeerId }], false)
}

async function signatureOf(
  bench: TransportBench,
  transport: Transport,
  bytes: Uint8Array,
): Promise<Signature> {
  const made: (Signature | undefined)[] = []
  transport.sign(bytes, (signature) => made.push(signature))
  await until(bench, 'a signature', () => made.length > 0, PATIENCE_MS)
  const [signature] = made
  demand(signature !== undefined, 'a transport cannot sign')
  return signature
}

async function checked(
  bench: TransportBench,
  transport: Transport,
  what: string,
  statements: readonly SignedStatement[],
  expected: boolean,
): Promise<void> {
  const answers: boolean[] = []
  transport.verify(statements, (areTrue) => answers.push(areTrue))
  await until(bench, `a check of ${what}`, () => answers.length > 0, PATIENCE_MS)
  await bench.settle(bench.quietMs)
  demandEqual(`answers about ${what}`, answers.length, 1)
  demandEqual(`whether ${what} is true`, answers[0], expected)
}
