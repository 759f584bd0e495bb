import { randomBytes } from 'node:crypto'
import { Socket } from 'node:net'
import { afterEach, expect, test, vi } from 'vitest'
import {
  chain,
  closeLanes,
  firstStep,
  heldTensor,
  type LaneMember,
  offer,
} from '../testing/test-lane.ts'
import { eventually } from '../testing/test-nodes.ts'

/** A first step of the test model, by far; what is longer carries one. */
const STEP_BYTES = 200

afterEach(async () => {
  vi.restoreAllMocks()
  await closeLanes()
})

/** Two members over TCP that have opened the streams between them. */
async function pair(): Promise<[LaneMember, LaneMember]> {
  const [author, other] = (await chain(2)) as [LaneMember, LaneMember]
  await push(author, other, 80)
  return [author, other]
}

async function push(author: LaneMember, other: LaneMember, size: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(randomBytes(size))
  const hash = await offer(author, bytes)
  if (hash === undefined) throw new Error('the offer was refused')
  author.transport.push(hash, other.transport.self)
  const before = other.tensors.bytes.in
  await eventually('the arrival', () => other.tensors.bytes.in === before + size)
  const pulled = await other.tensors.pull(heldTensor(hash, size, author.transport.self), true)
  if (pulled === undefined) throw new Error('the tensor did not come')
  return pulled
}

test('a record goes to its socket together with its length', async () => {
  const [author, other] = await pair()
  const alone = vi.spyOn(Socket.prototype, '_write')
  const together = vi.spyOn(Socket.prototype, '_writev')
  for (let i = 0; i < 20; i++) await push(author, other, 1_000)
  expect(together).toHaveBeenCalled()
  expect(alone.mock.calls.map(([chunk]) => Buffer.from(chunk).length)).not.toContain(2)
})

test('a step and its tensor go out in one write', async () => {
  const [author, other] = await pair()
  author.transport.tell(firstStep(author.transport.self), other.transport.self)
  await eventually('the first step', () => other.heard.length === 1)
  const hash = await offer(author, new Uint8Array(randomBytes(1_000)))
  if (hash === undefined) throw new Error('the offer was refused')
  const written: number[] = []
  const { _writev } = Socket.prototype
  vi.spyOn(Socket.prototype, '_writev').mockImplementation(function (this: Socket, chunks, done) {
    written.push(chunks.reduce((sum, { chunk }) => sum + Buffer.from(chunk).length, 0))
    _writev?.call(this, chunks, done)
  })
  author.transport.tell(firstStep(author.transport.self), other.transport.self)
  author.transport.push(hash, other.transport.self)
  await eventually('the second step', () => other.heard.length === 2)
  await eventually('the tensor', () => other.tensors.pushedBytes === 1_000)
  expect(written.filter((size) => size > 1_000 + STEP_BYTES)).toHaveLength(1)
  expect(written.filter((size) => size > STEP_BYTES)).toHaveLength(1)
})

test('a tensor of many records arrives whole', async () => {
  const [author, other] = await pair()
  const bytes = await push(author, other, 3_000_000)
  expect(bytes).toHaveLength(3_000_000)
})
