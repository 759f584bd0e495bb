import { PUSH_PATIENCE_MS } from '../limits.ts'
import type { HeldActivation, TensorHash } from '../wire/messages.ts'
import { demand, demandEqual, until } from './acceptance.ts'
import { PATIENCE_MS } from './limits.ts'
import { at, type Ear, type TransportBench } from './transport-bench.ts'
import { offer, pull } from './transport-tensors.ts'

/** A tensor that has been pushed, and that its holder has no more. */
async function pushedAndWithdrawn(
  bench: TransportBench,
  holder: Ear,
  receiver: Ear,
  nonce: number,
): Promise<{ bytes: Uint8Array; tensor: HeldActivation }> {
  const { bytes, tensor } = await offer(bench, holder, nonce)
  holder.transport.push(tensor.hash, receiver.transport.self)
  await bench.settle(bench.quietMs)
  holder.transport.withdraw(tensor.hash)
  return { bytes, tensor }
}

/** A pushed tensor is there, awaited or not, without its holder; once, and for nobody else. @throws Error when it is not so. */
export async function givesThePushed(bench: TransportBench, lane: readonly Ear[]): Promise<void> {
  const [holder, receiver, other] = [at(lane, 0), at(lane, 1), at(lane, 2)]
  for (const [isAwaited, nonce] of [
    [true, 11],
    [false, 12],
  ] as const) {
    const { bytes, tensor } = await pushedAndWithdrawn(bench, holder, receiver, nonce)
    demand((await pull(bench, other, tensor)) === undefined, 'a push reaches somebody else')
    const what = isAwaited ? 'an awaited tensor that was pushed' : 'a tensor that was pushed'
    demandEqual(what, (await pull(bench, receiver, tensor, isAwaited))?.join(), bytes.join())
    demand((await pull(bench, receiver, tensor)) === undefined, 'a pushed tensor is kept')
  }
}

/** A tensor that is pushed while it is awaited ends the wait. @throws Error when it is not so. */
export async function waitsForAPush(bench: TransportBench, lane: readonly Ear[]): Promise<void> {
  const [holder, receiver] = [at(lane, 0), at(lane, 1)]
  const { bytes, tensor } = await offer(bench, holder, 13)
  const pulled: (Uint8Array | undefined)[] = []
  receiver.transport.pull(tensor, true, (got) => pulled.push(got))
  demandEqual('answers inside the call', pulled.length, 0)
  holder.transport.push(tensor.hash, receiver.transport.self)
  await until(bench, 'the answer to an awaited pull', () => pulled.length > 0, PATIENCE_MS)
  await bench.settle(bench.quietMs + 2 * PUSH_PATIENCE_MS)
  demandEqual('answers to an awaited pull', pulled.length, 1)
  demandEqual('the awaited tensor', pulled[0]?.join(), bytes.join())
}

/** Two who wait for one tensor both have it from one push, without its holder. @throws Error when it is not so. */
export async function givesAPushToAll(bench: TransportBench, lane: readonly Ear[]): Promise<void> {
  const [holder, receiver] = [at(lane, 0), at(lane, 1)]
  const { bytes, tensor } = await offer(bench, holder, 18)
  const pulled: (Uint8Array | undefined)[] = []
  for (let i = 0; i < 2; i++) receiver.transport.pull(tensor, true, (got) => pulled.push(got))
  receiver.transport.pull(tensor, true, () => pulled.push(undefined))()
  holder.transport.push(tensor.hash, receiver.transport.self)
  holder.transport.withdraw(tensor.hash)
  await until(bench, 'the answers to two awaited pulls', () => pulled.length > 1, PATIENCE_MS)
  for (const got of pulled) demandEqual('the tensor that two awaited', got?.join(), bytes.join())
}

/** An awaited tensor that nobody pushes is asked for; one that nobody has brings nothing. @throws Error when it is not so. */
export async function asksForTheAwaited(
  bench: TransportBench,
  lane: readonly Ear[],
): Promise<void> {
  const [holder, receiver] = [at(lane, 0), at(lane, 1)]
  const { bytes, tensor } = await offer(bench, holder, 14)
  demandEqual('the tensor', (await pull(bench, receiver, tensor, true))?.join(), bytes.join())
  const unknown = { ...tensor, hash: 'c'.repeat(64) as TensorHash }
  demand(
    (await pull(bench, receiver, unknown, true)) === undefined,
    'an unknown hash brings a tensor',
  )
}

/** A pull that is cancelled says nothing, in whatever phase it was. @throws Error when it is not so. */
export async function cancelsAwaitedPulls(
  bench: TransportBench,
  lane: readonly Ear[],
): Promise<void> {
  const [holder, receiver] = [at(lane, 0), at(lane, 1)]
  let answers = 0
  const start = (tensor: HeldActivation, isAwaited = true) =>
    receiver.transport.pull(tensor, isAwaited, () => answers++)
  const pushTo = ({ hash }: HeldActivation) => holder.transport.push(hash, receiver.transport.self)

  const beforeThePush = (await offer(bench, holder, 15)).tensor
  const cancel = start(beforeThePush)
  cancel()
  cancel()
  pushTo(beforeThePush)

  const onItsWay = (await offer(bench, holder, 16)).tensor
  const cancelOnItsWay = start(onItsWay)
  pushTo(onItsWay)
  cancelOnItsWay()
  await bench.settle(bench.quietMs)

  const { tensor: here } = await pushedAndWithdrawn(bench, holder, receiver, 17)
  start(here, false)()

  const asked = { ...onItsWay, hash: 'b'.repeat(64) as TensorHash }
  const cancelAsked = start(asked)
  await bench.settle(PUSH_PATIENCE_MS / 2)
  cancelAsked()
  await bench.settle(bench.quietMs + 2 * PUSH_PATIENCE_MS)
  demandEqual('answers to cancelled pulls', answers, 0)
}
