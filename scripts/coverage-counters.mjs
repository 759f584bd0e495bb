// Writes counters into a bundle of our sources, so that a fuzzer sees which places an input reaches: one for each
// function, branch, loop and right side of a logical operator.
import { parseAst } from 'rolldown/parseAst'

/** Bytes of an element, by the name of the array that is made. */
const ELEMENT_BYTES = {
  ...{ ArrayBuffer: 1, Uint8Array: 1, Int8Array: 1, Uint8ClampedArray: 1, Uint16Array: 2 },
  ...{ Int16Array: 2, Uint32Array: 4, Int32Array: 4, Float32Array: 4, Float64Array: 8, Array: 8 },
}

/** Longest text of the sources that inputs are changed with. */
const WORD_CHARS_MAX = 64

/** Whether a module is one of our packages or apps, and none of their tools for tests. */
const isOurs = (id) =>
  /[\\/](packages|apps)[\\/]\w+[\\/]src[\\/]/.test(id) && !/[\\/]testing[\\/]/.test(id)

/** A plugin for rolldown that counts, and what the bundle needs before its first line. */
export function createCounters() {
  const words = new Set()
  let places = 0
  return {
    plugin: {
      name: 'coverage-counters',
      transform(code, id) {
        if (!isOurs(id)) return null
        const made = withCounters(code, places, words)
        places = made.places
        return { code: made.code }
      },
    },
    // Sorted: in which order the modules come is not known.
    prologue: () => prologue(places, [...words].toSorted()),
  }
}

/** The code with counters from `first` on, and its words added to the others. */
function withCounters(code, first, words) {
  const insertions = []
  let places = first
  const insert = (at, text) => insertions.push({ at, text, order: insertions.length })
  const count = () => `__reach(${places++});`
  const inBlock = (node) => {
    // A function that is declared only.
    if (!node) return
    if (node.type === 'BlockStatement') insert(node.start + 1, count())
    else {
      insert(node.start, `{${count()}`)
      insert(node.end, '}')
    }
  }
  const inExpression = (node) => {
    insert(node.start, `(__reach(${places++}),`)
    insert(node.end, ')')
  }
  const rules = {
    FunctionDeclaration: ({ body }) => inBlock(body),
    FunctionExpression: ({ body }) => inBlock(body),
    ArrowFunctionExpression: ({ body }) =>
      body.type === 'BlockStatement' ? inBlock(body) : inExpression(body),
    IfStatement({ consequent, alternate }) {
      inBlock(consequent)
      if (alternate) inBlock(alternate)
    },
    ForStatement: ({ body }) => inBlock(body),
    ForOfStatement: ({ body }) => inBlock(body),
    ForInStatement: ({ body }) => inBlock(body),
    WhileStatement: ({ body }) => inBlock(body),
    DoWhileStatement: ({ body }) => inBlock(body),
    SwitchCase({ consequent: [first] }) {
      if (first) insert(first.start, count())
    },
    CatchClause: ({ body }) => inBlock(body),
    ConditionalExpression({ consequent, alternate }) {
      inExpression(consequent)
      inExpression(alternate)
    },
    LogicalExpression: ({ right }) => inExpression(right),
    NewExpression({ callee, arguments: [first, second] }) {
      const bytes = callee.type === 'Identifier' ? ELEMENT_BYTES[callee.name] : undefined
      if (bytes === undefined || !first || second || first.type === 'SpreadElement') return
      insert(first.start, '__room((')
      insert(first.end, `), ${bytes})`)
    },
    Literal({ value }) {
      if (typeof value === 'string' && value.length <= WORD_CHARS_MAX && value.trim() !== '')
        words.add(value)
    },
    Property({ key, computed }) {
      if (!computed && key.type === 'Identifier') words.add(key.name)
    },
  }
  walk(parseAst(code, { lang: 'ts' }), (node) => rules[node.type]?.(node))
  return { code: applied(code, insertions), places }
}

function walk(node, enter) {
  enter(node)
  for (const value of Object.values(node)) {
    if (Array.isArray(value)) for (const one of value) if (one?.type) walk(one, enter)
    if (typeof value === 'object' && value !== null && value.type) walk(value, enter)
  }
}

/** Outer insertions come first at the start of a node, and last at its end. */
function applied(code, insertions) {
  const isEnd = ({ text }) => text === '}' || text.startsWith(')')
  const sorted = insertions.toSorted((a, b) => {
    if (a.at !== b.at) return a.at - b.at
    if (isEnd(a) !== isEnd(b)) return isEnd(a) ? -1 : 1
    return isEnd(a) ? b.order - a.order : a.order - b.order
  })
  let made = ''
  let at = 0
  for (const one of sorted) {
    made += code.slice(at, one.at) + one.text
    at = one.at
  }
  return made + code.slice(at)
}

function prologue(places, words) {
  return `const __counters = globalThis.layerswarmCounters = {
  counts: new Uint32Array(${places}), places: new Uint32Array(${places}), touched: 0,
  roomBytes: 0, roomBytesMax: Infinity, words: ${JSON.stringify(words)},
}
const __counts = __counters.counts, __places = __counters.places
function __reach(place) { if (__counts[place]++ === 0) __places[__counters.touched++] = place }
function __room(length, bytes) {
  if (typeof length !== 'number') return length
  __counters.roomBytes += length * bytes
  if (__counters.roomBytes > __counters.roomBytesMax) throw new RangeError('more room is asked for than its input is worth')
  return length
}
`
}
