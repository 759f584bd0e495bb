import {
  BARRED_MAX,
  BATCH_MAX,
  CHAIN_MAX,
  ERAS_MAX,
  HASH_BYTES,
  LAYERS_MAX,
  PEER_ID_CHARS_MAX,
  REQUEST_ID_BYTES,
  SIGNATURE_BYTES,
} from '../limits.ts'
import * as wire from '../wire/codec.ts'
import type { PeerId, RequestId, Signature, Step, TensorHash } from '../wire/messages.ts'
import { peerId } from '../wire/peer-id.ts'
import { isMixed, writeWeights } from '../wire/weights.ts'
import { signersOf } from './signers.ts'
import { tensorOf } from './tensor-of.ts'

/** A signature that is still to be made: the driver makes it when the message leaves. */
export const UNSIGNED = '0'.repeat(2 * SIGNATURE_BYTES) as Signature

const peer = peerId<PeerId>(PEER_ID_CHARS_MAX)
const layer = wire.u8(LAYERS_MAX - 1)

/** What somebody in charge signs. The text keeps it apart from all else that the key of a peer signs. */
const statement = wire.record({
  text: wire.token<string>(32),
  release: wire.hex<string>(HASH_BYTES),
  request: wire.hex<RequestId>(REQUEST_ID_BYTES),
  requester: peer,
  plan: wire.list(layer, LAYERS_MAX),
  batch: wire.u16(BATCH_MAX),
  endsAtMs: wire.instant,
  era: wire.u8(ERAS_MAX),
  /** Layers applied so far, and by whom. */
  route: wire.list(wire.record({ layer, peer }), LAYERS_MAX),
  /** The tensor that came out. */
  tensor: wire.hex<TensorHash>(HASH_BYTES),
  barred: wire.list(wire.u16(), BARRED_MAX),
  links: wire.u8(CHAIN_MAX),
  by: peer,
  next: wire.optional(peer),
  /** Of the link before. */
  before: wire.hex<Signature>(SIGNATURE_BYTES),
})

/** What was signed, by whom, and the signature. */
export interface SignedStatement {
  readonly by: PeerId
  readonly bytes: Uint8Array
  readonly signature: Signature
}

/** What one link of a chain says. */
export interface LinkStatement extends SignedStatement {
  /** The links before it, as one text: with the same ones before it, it was made after the same ones. */
  readonly after: string
}

/**
 * What the links of a step's chain say, the newest first: each one the request as its requester asked for it, the
 * era, the route so far, who is next, and by its signature the link before. None where `signersOf` finds a fault.
 * Each is made when it is asked for: whoever knows a link needs none before it.
 * @param release hash of the manifest, hex.
 */
export function* statementsOf(step: Step, release: string): Generator<LinkStatement> {
  const signers = signersOf(step)
  if (typeof signers === 'string') return
  const { chain } = step
  const texts = chain.map(
    ({ hop, by, isOpen, tensor, signature }) => `${hop} ${by} ${isOpen} ${tensor} ${signature}`,
  )
  for (let at = chain.length - 1; at >= 0; at--) {
    yield {
      by: signers[at] as PeerId,
      bytes: statementAt(step, signers, at, release),
      signature: chain[at]?.signature ?? UNSIGNED,
      after: texts.slice(0, at).join(),
    }
  }
}

/** What whoever says a step signs: its chain's last link. Undefined where `signersOf` finds a fault. */
export function lastStatement(step: Step, release: string): LinkStatement | undefined {
  for (const last of statementsOf(step, release)) return last
  return undefined
}

function statementAt(
  step: Step,
  signers: readonly PeerId[],
  at: number,
  release: string,
): Uint8Array {
  const { request, requester, plan, activation, endsAtMs, era, route, chain, next, barred } = step
  const run = route.slice(0, chain[at]?.hop)
  const out = new wire.Writer()
  statement.write(out, {
    text: 'layerswarm-step',
    release,
    request,
    requester,
    plan,
    batch: activation.batch,
    endsAtMs,
    era,
    route: run,
    tensor: chain[at]?.tensor ?? tensorOf(activation),
    barred,
    links: at,
    by: signers[at] as PeerId,
    next: chain[at]?.isOpen ? undefined : (signers[at + 1] ?? next),
    before: chain[at - 1]?.signature ?? UNSIGNED,
  })
  // Nobody may say afterwards that a layer was another release's.
  if (isMixed(run)) writeWeights(out, run)
  return out.finish()
}
