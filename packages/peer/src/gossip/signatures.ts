import {
  isEd25519Id,
  type Signature,
  type SignedStatement,
  type Transport,
} from '@layerswarm/swarm'
import type { PrivateKey } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { hexBytes, hexText } from '../streams/hex.ts'
import { isPlain } from './plain-signature.ts'

/** What a transport signs with the key that it is named for, and checks of others. */
export function signing(privateKey: PrivateKey): Pick<Transport, 'sign' | 'verify'> {
  return { sign: (statement, signed) => sign(privateKey, statement, signed), verify }
}

/** Signs a statement; `signed` is told undefined when that fails. */
function sign(
  privateKey: PrivateKey,
  statement: Uint8Array,
  signed: (signature: Signature | undefined) => void,
): void {
  const report = (signature: Uint8Array) => signed(hexText(signature) as Signature)
  try {
    const signature = privateKey.sign(statement)
    if (signature instanceof Uint8Array) report(signature)
    else signature.then(report, () => signed(undefined))
  } catch {
    signed(undefined)
  }
}

/** Whether all of these were signed by whoever they say; at once where the platform can tell at once. */
function verify(
  statements: readonly SignedStatement[],
  verified: (areTrue: boolean) => void,
): void {
  const answers: Promise<boolean>[] = []
  try {
    for (const statement of statements) {
      const answer = isTrue(statement)
      if (answer === false) return verified(false)
      if (answer !== true) answers.push(answer)
    }
  } catch {
    return verified(false)
  }
  if (answers.length === 0) return verified(true)
  Promise.all(answers).then(
    (all) => verified(all.every((one) => one)),
    () => verified(false),
  )
}

/** A peer's name is its public key, or the hash of one: only the former can be checked, and only a sound one everywhere alike. */
function isTrue({ by, bytes, signature }: SignedStatement): boolean | Promise<boolean> {
  if (!isEd25519Id(by)) return false
  const id = peerIdFromString(by)
  const signed = hexBytes(signature)
  if (id.publicKey === undefined || !isPlain(id.toMultihash().bytes, signed)) return false
  return id.publicKey.verify(bytes, signed)
}
