import { SHARED_CONSTANT_ELEMENTS_MAX } from '../limits.ts'
import { createMessageWriter, type MessageWriter } from './protobuf.ts'

/** Versions every runtime we use accepts; Gelu needs opset 20, LayerNormalization 17, int4 opset 21 and IR 10. */
const IR_VERSION = 10
const OPSET_VERSION = 21

/** TensorProto.DataType of onnx.proto. */
const ELEMENT_TYPES = { float32: 1, int8: 3, int64: 7, float16: 10, int4: 22 } as const

/** The element types that graphs here use. */
export type ElementType = keyof typeof ELEMENT_TYPES

/** AttributeProto.AttributeType of onnx.proto. */
const ATTRIBUTE_TYPES = { float: 1, int: 2, string: 3, ints: 7 } as const

/** A size, or the name of a size that is known only when the graph runs. */
export type Dim = number | string

/** A plain number is an integer attribute; ONNX tells floats apart, hence `{ float }`. */
export type Attribute = number | string | { readonly float: number } | readonly number[]

/** The attributes of a node by their names in the ONNX operator set. */
export type Attributes = Readonly<Record<string, Attribute>>

/** Where an initializer lies in a file next to the graph; counts of bytes. */
export interface ExternalSlice {
  readonly file: string
  readonly offset: number
  readonly bytes: number
}

/** Builds one ONNX graph; every value is handled by its name. */
export interface GraphBuilder {
  input(name: string, dims: readonly Dim[], type?: ElementType): string
  /** Declares `value` as an output; it is known as `name` in the serialized graph. */
  output(name: string, value: string, dims: readonly Dim[], type?: ElementType): void
  /** An initializer inside the graph; equal small ones are stored once. */
  constant(values: Float32Array | BigInt64Array, dims: readonly number[]): string
  /** A float32 constant of shape []. */
  scalar(value: number): string
  /** An int64 constant of shape [n], as shapes, axes and slices want them. */
  integers(values: readonly number[]): string
  /** An initializer whose bytes stay in a file. */
  external(name: string, type: ElementType, dims: readonly number[], at: ExternalSlice): string
  /** Adds a node with one output and returns the name of that output. */
  op(type: string, inputs: readonly string[], attributes?: Attributes): string
  /** Adds a node with several outputs. */
  ops(
    type: string,
    inputs: readonly string[],
    outputs: number,
    attributes?: Attributes,
  ): readonly string[]
  /** The ONNX ModelProto. @throws ModelError `bad-shape` when it grows too large. */
  serialize(): Uint8Array
}

interface Node {
  readonly type: string
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  readonly attributes: Attributes
}

interface Value {
  readonly name: string
  readonly dims: readonly Dim[]
  readonly type: ElementType
}

interface Initializer {
  readonly name: string
  readonly dims: readonly number[]
  readonly type: ElementType
  readonly content: Uint8Array | ExternalSlice
}

/**
 * An empty graph.
 * @param name stands in the file and in the messages of runtimes, nowhere else.
 */
export function createGraph(name: string): GraphBuilder {
  const nodes: Node[] = []
  const inputs: Value[] = []
  const outputs: Value[] = []
  const initializers: Initializer[] = []
  const shared = new Map<string, string>()
  /** Internal name → output name, so that outputs cost no copying Identity node. */
  const renamed = new Map<string, string>()
  let values = 0

  function ops(
    type: string,
    from: readonly string[],
    count: number,
    attributes: Attributes = {},
  ): readonly string[] {
    const made = Array.from({ length: count }, () => `${type}.${values++}`)
    nodes.push({ type, inputs: from, outputs: made, attributes })
    return made
  }

  function op(type: string, from: readonly string[], attributes: Attributes = {}): string {
    const made = `${type}.${values++}`
    nodes.push({ type, inputs: from, outputs: [made], attributes })
    return made
  }

  function constant(data: Float32Array | BigInt64Array, dims: readonly number[]): string {
    const type = data instanceof Float32Array ? 'float32' : 'int64'
    const key = data.length > SHARED_CONSTANT_ELEMENTS_MAX ? '' : `${type}[${dims}]${data.join()}`
    const known = shared.get(key)
    if (key !== '' && known !== undefined) return known
    const made = `constant.${initializers.length}`
    const content = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    initializers.push({ name: made, dims, type, content })
    if (key !== '') shared.set(key, made)
    return made
  }

  return {
    ops,
    op,
    constant,
    input(input, dims, type = 'float32') {
      inputs.push({ name: input, dims, type })
      return input
    },
    output(output, value, dims, type = 'float32') {
      const own = nodes.some((node) => node.outputs.includes(value)) && !renamed.has(value)
      renamed.set(own ? value : op('Identity', [value]), output)
      outputs.push({ name: output, dims, type })
    },
    scalar: (value) => constant(Float32Array.of(value), []),
    integers: (list) => constant(BigInt64Array.from(list, BigInt), [list.length]),
    external(external, type, dims, at) {
      initializers.push({ name: external, dims, type, content: at })
      return external
    },
    serialize: () => writeModel(name, nodes, inputs, outputs, initializers, renamed),
  }
}

/** ModelProto and GraphProto; the numbers are the field numbers of onnx.proto. */
function writeModel(
  name: string,
  nodes: readonly Node[],
  inputs: readonly Value[],
  outputs: readonly Value[],
  initializers: readonly Initializer[],
  renamed: ReadonlyMap<string, string>,
): Uint8Array {
  const graph = createMessageWriter()
  for (const node of nodes) graph.message(1, writeNode(node, renamed))
  graph.text(2, name)
  for (const initializer of initializers) graph.message(5, writeInitializer(initializer))
  for (const input of inputs) graph.message(11, writeValue(input))
  for (const output of outputs) graph.message(12, writeValue(output))

  const opset = createMessageWriter()
  opset.text(1, '')
  opset.integer(2, OPSET_VERSION)
  const model = createMessageWriter()
  model.integer(1, IR_VERSION)
  model.text(2, 'layerswarm')
  model.message(7, graph)
  model.message(8, opset)
  return model.view().slice()
}

function writeNode(node: Node, renamed: ReadonlyMap<string, string>): MessageWriter {
  const writer = createMessageWriter()
  for (const input of node.inputs) writer.text(1, renamed.get(input) ?? input)
  for (const output of node.outputs) writer.text(2, renamed.get(output) ?? output)
  writer.text(3, node.outputs.join())
  writer.text(4, node.type)
  for (const [key, value] of Object.entries(node.attributes)) {
    writer.message(5, writeAttribute(key, value))
  }
  return writer
}

function writeAttribute(name: string, value: Attribute): MessageWriter {
  const writer = createMessageWriter()
  writer.text(1, name)
  if (typeof value === 'number') {
    writer.integer(3, value)
    writer.integer(20, ATTRIBUTE_TYPES.int)
  } else if (typeof value === 'string') {
    writer.text(4, value)
    writer.integer(20, ATTRIBUTE_TYPES.string)
  } else if ('float' in value) {
    writer.float(2, value.float)
    writer.integer(20, ATTRIBUTE_TYPES.float)
  } else {
    for (const item of value) writer.integer(8, item)
    writer.integer(20, ATTRIBUTE_TYPES.ints)
  }
  return writer
}

/** TensorProto, inline as raw_data or external as key-value pairs. */
function writeInitializer({ name, dims, type, content }: Initializer): MessageWriter {
  const writer = createMessageWriter()
  for (const dim of dims) writer.integer(1, dim)
  writer.integer(2, ELEMENT_TYPES[type])
  writer.text(8, name)
  if (content instanceof Uint8Array) {
    writer.bytes(9, content)
    return writer
  }
  const { file, offset, bytes } = content
  const entries = { location: file, offset: String(offset), length: String(bytes) }
  for (const [key, value] of Object.entries(entries)) {
    const entry = createMessageWriter()
    entry.text(1, key)
    entry.text(2, value)
    writer.message(13, entry)
  }
  writer.integer(14, 1)
  return writer
}

/** ValueInfoProto > TypeProto > TypeProto.Tensor > TensorShapeProto. */
function writeValue({ name, dims, type }: Value): MessageWriter {
  const shape = createMessageWriter()
  for (const dim of dims) {
    const size = createMessageWriter()
    if (typeof dim === 'number') size.integer(1, dim)
    else size.text(2, dim)
    shape.message(1, size)
  }
  const tensor = createMessageWriter()
  tensor.integer(1, ELEMENT_TYPES[type])
  tensor.message(2, shape)
  const wrapped = createMessageWriter()
  wrapped.message(1, tensor)
  const writer = createMessageWriter()
  writer.text(1, name)
  writer.message(2, wrapped)
  return writer
}
