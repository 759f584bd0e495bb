import { activationBytes } from '@layerswarm/model'
import type { HeldActivation, PeerId, TensorHash } from '../wire/messages.ts'
import { demand, demandEqual, until } from './acceptance.ts'
import { PATIENCE_MS } from './limits.ts'
import { at, type Ear, type TransportBench } from './transport-bench.ts'

/** A tensor's bytes: small numbers first, so that symbols of layers are among them. */
function tensorBytes({ shape: { tokens, width } }: TransportBench, nonce: number): Uint8Array {
  const bytes = new Uint8Array(activationBytes('float16', [1, tokens, width]))
  bytes.set([0, 0, 0, 0, 0, nonce])
  return bytes
}

/** Offers a tensor that no other number gives. @throws Error when it is refused. */
export async function offer(bench: TransportBench, { transport }: Ear, nonce: number) {
  const bytes = tensorBytes(bench, nonce)
  const offered: (TensorHash | undefined)[] = []
  transport.offer(bytes, (hash) => offered.push(hash))
  await until(bench, 'the answer to an offer', () => offered.length > 0, PATIENCE_MS)
  const [hash] = offered
  if (hash === undefined) throw new Error('an offer is refused')
  return { bytes, tensor: held(bench, transport.self, hash) }
}

function held({ shape }: TransportBench, holder: PeerId, hash: TensorHash): HeldActivation {
  const { tokens, width } = shape
  const size = activationBytes('float16', [1, tokens, width])
  return { place: 'held', dtype: 'float16', batch: 1, tokens, width, size, hash, holder }
}

/** What a pull brings, which it says once. @throws Error when it says it inside the call, or twice. */
export async function pull(
  bench: TransportBench,
  { transport }: Ear,
  tensor: HeldActivation,
  isAwaited = false,
): Promise<Uint8Array | undefined> {
  const pulled: (Uint8Array | undefined)[] = []
  transport.pull(tensor, isAwaited, (bytes) => pulled.push(bytes))
  demandEqual('answers inside the call', pulled.length, 0)
  await until(bench, 'the answer to a pull', () => pulled.length > 0, PATIENCE_MS)
  await bench.settle(bench.quietMs)
  demandEqual('answers to a pull', pulled.length, 1)
  return pulled[0]
}

/** A tensor can be pulled by everybody, and more than once. @throws Error when it is not so. */
export async function handsOver(bench: TransportBench, lane: readonly Ear[]): Promise<void> {
  const { bytes, tensor } = await offer(bench, at(lane, 0), 7)
  // Once more by the second member: a pull does not use the tensor up.
  for (const member of [1, 2, 1, 0]) {
    const pulled = await pull(bench, at(lane, member), tensor)
    demandEqual(`the tensor pulled by member ${member}`, pulled?.join(), bytes.join())
  }
}

/** An offer is answered, and not a second time. @throws Error when it is not so. */
export async function answersOffersOnce(
  bench: TransportBench,
  lane: readonly Ear[],
): Promise<void> {
  let answers = 0
  at(lane, 0).transport.offer(tensorBytes(bench, 5), () => answers++)
  await until(bench, 'the answer to an offer', () => answers > 0, PATIENCE_MS)
  await bench.settle(bench.quietMs)
  demandEqual('answers to an offer', answers, 1)
}

/** Each hash brings the bytes that were offered under it. @throws Error when it is not so. */
export async function keepsTensorsApart(
  bench: TransportBench,
  lane: readonly Ear[],
): Promise<void> {
  const [holder, puller] = [at(lane, 0), at(lane, 1)]
  const tensors = []
  for (const nonce of [1, 2, 3]) tensors.push(await offer(bench, holder, nonce))
  demandEqual('hashes of 3', new Set(tensors.map(({ tensor }) => tensor.hash)).size, 3)
  for (const { bytes, tensor } of tensors.toReversed()) {
    demandEqual('a tensor', (await pull(bench, puller, tensor))?.join(), bytes.join())
  }
}

/** A tensor is there until it is withdrawn, and the others stay. @throws Error when it is not so. */
export async function withdraws(bench: TransportBench, lane: readonly Ear[]): Promise<void> {
  const [holder, puller] = [at(lane, 0), at(lane, 1)]
  const kept = await offer(bench, holder, 1)
  const { tensor } = await offer(bench, holder, 2)
  holder.transport.withdraw(tensor.hash)
  holder.transport.withdraw(tensor.hash) // unknown by now, and ignored
  demand((await pull(bench, puller, tensor)) === undefined, 'a withdrawn tensor is handed over')
  const bytes = await pull(bench, puller, kept.tensor)
  demandEqual('the other tensor', bytes?.join(), kept.bytes.join())
}

/** Nothing comes of it, and what is kept stays. @throws Error when it is not so. */
export async function withdrawsUnknown(bench: TransportBench, lane: readonly Ear[]): Promise<void> {
  const holder = at(lane, 0)
  const kept = await offer(bench, holder, 1)
  try {
    holder.transport.withdraw('f'.repeat(64) as TensorHash)
  } catch (error) {
    throw new Error(`to withdraw an unknown tensor throws: ${String(error)}`)
  }
  const bytes = await pull(bench, holder, kept.tensor)
  demandEqual('the other tensor', bytes?.join(), kept.bytes.join())
}

/** An unknown hash brings nothing, from others and from oneself. @throws Error when it is not so. */
export async function hasNoUnknownTensor(
  bench: TransportBench,
  lane: readonly Ear[],
): Promise<void> {
  const [holder, puller] = [at(lane, 0), at(lane, 1)]
  const tensor = held(bench, holder.transport.self, 'f'.repeat(64) as TensorHash)
  for (const ear of [puller, holder]) {
    demand((await pull(bench, ear, tensor)) === undefined, 'an unknown hash brings a tensor')
  }
}

/** Nothing is brought by a holder that is gone. @throws Error when it is not so. */
export async function hasNoTensorOfTheGone(
  bench: TransportBench,
  lane: readonly Ear[],
): Promise<void> {
  const [holder, puller] = [at(lane, 0), at(lane, 1)]
  const { tensor } = await offer(bench, holder, 1)
  await bench.end(holder.transport.self)
  demand((await pull(bench, puller, tensor)) === undefined, 'a holder that is gone hands over')
}

/** A pull that is cancelled says nothing any more. @throws Error when it is not so. */
export async function cancelsPulls(bench: TransportBench, lane: readonly Ear[]): Promise<void> {
  const [holder, puller] = [at(lane, 0), at(lane, 1)]
  const { tensor } = await offer(bench, holder, 1)
  const unknown = { ...tensor, hash: 'e'.repeat(64) as TensorHash }
  let answers = 0
  for (const wanted of [tensor, unknown]) {
    const cancel = puller.transport.pull(wanted, false, () => answers++)
    cancel()
    cancel()
  }
  await bench.settle(bench.quietMs)
  demandEqual('answers to cancelled pulls', answers, 0)
  const cancelLate = puller.transport.pull(tensor, false, () => answers++)
  await until(bench, 'the answer to a pull', () => answers > 0, PATIENCE_MS)
  cancelLate()
  await bench.settle(bench.quietMs)
  demandEqual('answers to a pull that is cancelled afterwards', answers, 1)
}
