import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js'
import {
  ACTIVATION_DTYPES,
  type ActivationDtype,
  decodeActivation,
  encodeActivation,
} from './activation.ts'
import type { Engine } from './engine.ts'
import { ModelError } from './errors.ts'
import { checkOrder } from './forward.ts'
import { checkSha256, isSha256, type Sha256, sha256 } from './hash.ts'
import {
  NAME_LETTERS_MAX,
  RECEIPT_CLASSES_MAX,
  RECEIPT_RUNS_MAX,
  RECEIPT_VALUES_MAX,
} from './limits.ts'
import type { ModelSpec } from './spec.ts'
import { type Tensor, tensor } from './tensor.ts'

/** What a receipt calls its own format; a changed meaning of any field gets another number. */
export const RECEIPT_FORMAT = 'layerswarm-receipt/1'

/** One layer applied to the image: which, by whom, on what, in how many milliseconds. */
export interface ReceiptHop {
  readonly layer: number
  /** The release whose layer it was, where that was another than the receipt's. */
  readonly weights?: string
  /** Id of the peer that ran it. */
  readonly peer: string
  /** Its engine, one of `ENGINE_NAMES`. */
  readonly backend: string
  /** Milliseconds that the layer took there, the way not counted. */
  readonly ms: number
}

/** One request: the order that it took and the class scores that came of it. */
export interface ReceiptRun {
  readonly route: readonly ReceiptHop[]
  /** How many of them ran at once on one input, round by round; absent or empty for one after another. */
  readonly rounds?: readonly number[]
  readonly missingLayers: readonly number[]
  /** One per class. */
  readonly logits: readonly number[]
  readonly probabilities: readonly number[]
  readonly totalMs: number
}

/** What was asked of a swarm and what came back, complete enough to be computed again. */
export interface Receipt {
  readonly format: typeof RECEIPT_FORMAT
  readonly release: Sha256
  readonly name: string
  /** Its layers run in their own order only; left out where they may run in any. */
  readonly order?: 'own'
  /** ISO 8601 in UTC. */
  readonly createdAt: string
  /** How activations travelled between hops, and were rounded on the way. */
  readonly wireDtype: ActivationDtype
  /** The stem's input, (1, channels, size, size), normalised. */
  readonly image: Tensor
  readonly runs: readonly ReceiptRun[]
}

/** The receipt as JSON text; values of the image are float32, little-endian, in hex, with their hash. */
export function receiptText(receipt: Receipt): string {
  const { shape, data } = receipt.image
  const bytes = new Uint8Array(data.slice().buffer)
  const image = { shape, sha256: sha256(bytes), hex: bytesToHex(bytes) }
  return `${JSON.stringify({ ...receipt, image }, null, 1)}\n`
}

/** Parses untrusted data. @throws ModelError `bad-receipt` naming the first wrong field, `wrong-hash`. */
export function parseReceipt(value: unknown): Receipt {
  const source = record(value, '')
  if (source.format !== RECEIPT_FORMAT) fail('format', `must be "${RECEIPT_FORMAT}"`)
  const { release, name, createdAt, wireDtype } = source
  if (!isSha256(release)) fail('release', 'must be 64 lower-case hex digits')
  if (!isName(name)) fail('name', 'must be letters, digits, ".", "_" and "-"')
  if (typeof createdAt !== 'string' || !/^\d{4}-\d\d-\d\dT[\d:.]{1,16}Z$/.test(createdAt))
    fail('createdAt', 'must be a time in UTC')
  const dtype = ACTIVATION_DTYPES.find((known) => known === wireDtype)
  if (dtype === undefined) fail('wireDtype', `must be one of ${ACTIVATION_DTYPES.join(', ')}`)
  if (source.order !== undefined && source.order !== 'own')
    fail('order', 'must be "own" or left out')
  const order: Pick<Receipt, 'order'> = source.order === 'own' ? { order: 'own' } : {}
  const runs = list(source.runs, 'runs', 1, RECEIPT_RUNS_MAX).map(parseRun)
  const image = parseImage(source.image)
  const of = { release, name, ...order, createdAt }
  return { format: RECEIPT_FORMAT, ...of, wireDtype: dtype, image, runs }
}

/**
 * Computes the logits of one run again: the same image, layers and order, rounded between hops as
 * on the way through the swarm. Layers of one round run on one input, and their updates are added up.
 * The engine has loaded the stem, the head and every layer of the order.
 * @throws ModelError `bad-order` or `bad-shape` when the run does not fit the model.
 */
export async function replayRun(
  engine: Engine,
  spec: ModelSpec,
  { image, wireDtype }: Pick<Receipt, 'image' | 'wireDtype'>,
  order: readonly number[],
  rounds: readonly number[] = [],
): Promise<Float32Array> {
  checkOrder(order, spec)
  const travelled = (x: Tensor) => decodeActivation(encodeActivation(x, wireDtype))
  let x = travelled(await engine.run('stem', image, 0)) // (1, T, C)
  let hop = 0
  for (const size of rounds.length > 0 ? rounds : order.map(() => 1)) {
    const outputs: Tensor[] = []
    for (const layer of order.slice(hop, hop + size)) outputs.push(await engine.run(layer, x, hop))
    x = travelled(outputs.length === 1 ? (outputs[0] as Tensor) : withUpdates(x, outputs)) // (1, T, C)
    hop += size
  }
  return (await engine.run('head', x, 0)).data // (1, classes)
}

/** x (1, T, C) and what each output adds to it. */
function withUpdates(x: Tensor, outputs: readonly Tensor[]): Tensor {
  const sum = x.data.slice()
  for (const { data } of outputs)
    for (let i = 0; i < sum.length; i++)
      sum[i] = (sum[i] as number) + (data[i] as number) - (x.data[i] as number)
  return tensor([...x.shape], sum)
}

function parseRun(value: unknown, index: number): ReceiptRun {
  const at = `runs[${index}]`
  const source = record(value, at)
  const route = list(source.route, `${at}.route`, 0, 64).map((hop, i) =>
    parseHop(hop, `${at}.route[${i}]`),
  )
  const missing = list(source.missingLayers, `${at}.missingLayers`, 0, 64)
  const missingLayers = missing.map((layer) => layerOf(layer, `${at}.missingLayers`))
  const rounds = parseRounds(source.rounds, route.length, `${at}.rounds`)
  const logits = numbers(source.logits, `${at}.logits`)
  const probabilities = numbers(source.probabilities, `${at}.probabilities`)
  if (probabilities.length !== logits.length)
    fail(`${at}.probabilities`, `must be ${logits.length} numbers, one per logit`)
  return {
    route,
    ...(rounds.length === 0 ? {} : { rounds }),
    missingLayers,
    logits,
    probabilities,
    totalMs: span(source.totalMs, `${at}.totalMs`),
  }
}

/** @param hops that the rounds are of, all together. */
function parseRounds(value: unknown, hops: number, field: string): number[] {
  const rounds = value === undefined ? [] : list(value, field, 0, 64)
  if (!rounds.every((size): size is number => Number.isInteger(size) && Number(size) > 0))
    fail(field, 'must be whole numbers above 0')
  const sum = rounds.reduce((a, b) => a + b, 0)
  if (rounds.length > 0 && sum !== hops) fail(field, `must be of the ${hops} layers of the route`)
  return rounds
}

function parseHop(value: unknown, at: string): ReceiptHop {
  const { layer, weights, peer, backend, ms } = record(value, at)
  if (!isName(peer, 128)) fail(`${at}.peer`, 'must be a peer id')
  if (!isName(backend)) fail(`${at}.backend`, 'must be the name of an engine')
  if (weights !== undefined && !isSha256(weights))
    fail(`${at}.weights`, 'must be 64 lower-case hex digits or left out')
  return {
    layer: layerOf(layer, `${at}.layer`),
    ...(weights === undefined ? {} : { weights }),
    ...{ peer, backend, ms: span(ms, `${at}.ms`) },
  }
}

function parseImage(value: unknown): Tensor {
  const { shape, sha256: hash, hex } = record(value, 'image')
  const sizes = list(shape, 'image.shape', 4, 4)
  if (!sizes.every((size): size is number => Number.isInteger(size) && Number(size) > 0))
    fail('image.shape', 'must be four whole numbers above 0')
  const count = sizes.reduce((product, size) => product * size, 1)
  if (sizes[0] !== 1 || count > RECEIPT_VALUES_MAX)
    fail('image.shape', `must be one image of at most ${RECEIPT_VALUES_MAX} values`)
  if (typeof hex !== 'string' || hex.length !== 8 * count || !/^[0-9a-f]*$/.test(hex))
    fail('image.hex', `must be ${8 * count} lower-case hex digits`)
  if (!isSha256(hash)) fail('image.sha256', 'must be 64 lower-case hex digits')
  const bytes = hexToBytes(hex)
  checkSha256(bytes, hash, 'the image of the receipt')
  const data = new Float32Array(bytes.slice().buffer)
  if (!data.every(Number.isFinite)) fail('image.hex', 'holds values that are not finite')
  return tensor(sizes, data)
}

function record(value: unknown, field: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    fail(field, 'must be an object')
  return { ...value }
}

function list(value: unknown, field: string, least: number, most: number): unknown[] {
  if (!Array.isArray(value) || value.length < least || value.length > most)
    fail(field, `must be a list of ${least === most ? least : `${least} to ${most}`} entries`)
  return value
}

function numbers(value: unknown, field: string): number[] {
  const values = list(value, field, 1, RECEIPT_CLASSES_MAX)
  if (!values.every((entry): entry is number => Number.isFinite(entry)))
    fail(field, 'must be finite numbers')
  return values
}

function layerOf(value: unknown, field: string): number {
  if (!Number.isInteger(value) || Number(value) < 0 || Number(value) > 63)
    fail(field, 'must be layers from 0 to 63')
  return Number(value)
}

function span(value: unknown, field: string): number {
  if (typeof value !== 'number' || !(value >= 0 && value < 1e9))
    fail(field, 'must be milliseconds from 0')
  return value
}

function isName(value: unknown, letters = NAME_LETTERS_MAX): value is string {
  return typeof value === 'string' && value.length <= letters && /^[\w.-]+$/.test(value)
}

function fail(field: string, message: string): never {
  const what = field === '' ? 'receipt:' : `receipt: "${field}"`
  throw new ModelError({ code: 'bad-receipt', field }, `${what} ${message}`)
}
