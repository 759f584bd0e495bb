import { signed, withOwnLink } from '../chain/own-link.ts'
import { lastStatement, type SignedStatement } from '../chain/statement.ts'
import { drawOn } from '../draw.ts'
import { SIGNATURE_BYTES } from '../limits.ts'
import type { Transport } from '../ports.ts'
import type { PeerId, Signature, Step } from '../wire/messages.ts'

/**
 * Stands in for Ed25519: a draw over signer and statement, which anybody could compute and only the signer's own
 * transport does. Whoever says something that was not signed shows by another value.
 */
export function sealOf(by: PeerId, statement: Uint8Array): Signature {
  let seed = drawOn(0, by)
  for (const byte of statement) seed = Math.imul(seed ^ byte, 0x01000193)
  seed = drawOn(seed, '')
  const word = (seed >>> 0).toString(16).padStart(8, '0')
  return word.repeat(SIGNATURE_BYTES / 4) as Signature
}

/** A step with a link of its author's own, sealed, whatever is true of the links before it. */
export function sealedBy(author: PeerId, step: Step, release: string): Step {
  const said = withOwnLink(step, author)
  const statement = lastStatement(said, release)
  return statement === undefined ? said : signed(said, sealOf(author, statement.bytes))
}

/** The same with a signature that `sign` makes of the statement; nothing is told when it makes none. */
export function sealedThrough(
  sign: Transport['sign'],
  author: PeerId,
  step: Step,
  release: string,
  sealed: (step: Step) => void,
): void {
  const said = withOwnLink(step, author)
  const statement = lastStatement(said, release)
  if (statement === undefined) return sealed(said)
  sign(statement.bytes, (signature) => {
    if (signature !== undefined) sealed(signed(said, signature))
  })
}

/** Whether all of these were made by `sealOf` for their signers. */
export function areSealed(statements: readonly SignedStatement[]): boolean {
  return statements.every(({ by, bytes, signature }) => sealOf(by, bytes) === signature)
}
