import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type ESTree, parseSync, Visitor } from 'vite'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** A node of the syntax tree with its place in the text, counted in UTF-16 units. */
type Node = { readonly start: number; readonly end: number }

/** One file of a package or app, parsed. */
export interface SourceFile {
  /** From the project's folder, with `/`: `packages/model/src/spec.ts`. */
  readonly path: string
  readonly text: string
  readonly program: ESTree.Program
  readonly comments: readonly (Node & { readonly type: string; readonly value: string })[]
}

/** One thing that a file exports under a name, where it is declared. */
export interface ExportedName {
  readonly name: string
  readonly declaration: ESTree.Node
  /** The text of its docstring, if it has one. */
  readonly docstring: string | undefined
}

const read = new Map<string, SourceFile>()

/** Parses a file of the project, once. @throws Error when it is no TypeScript or JavaScript. */
export function sourceFile(path: string): SourceFile {
  const known = read.get(path)
  if (known !== undefined) return known
  const file = parseSource(path, readFileSync(join(root, path), 'utf8'))
  read.set(path, file)
  return file
}

/** Parses a text as the file of that path. @throws Error when it is no TypeScript or JavaScript. */
export function parseSource(path: string, text: string): SourceFile {
  const { program, comments, errors } = parseSync(path, text, {})
  if (errors.length > 0) throw new Error(`${path}: ${errors[0]?.message}`)
  return { path, text, program, comments }
}

/** The source files of a package or app, without its tests. */
export function sourcesOf(folder: string): SourceFile[] {
  return readdirSync(join(root, folder, 'src'), { recursive: true, encoding: 'utf8' })
    .map((name) => `${folder}/src/${name.replaceAll('\\', '/')}`)
    .filter((path) => /\.(ts|mts|js)$/.test(path) && !/\.(test|d)\.ts$/.test(path))
    .filter((path) => statSync(join(root, path)).isFile())
    .toSorted()
    .map(sourceFile)
}

/**
 * What a file imports, as written: statically, as types only, by `import()`, in the type of
 * another module, and as the file of a worker (`new URL('./x.js', import.meta.url)`, which is built
 * from `x.ts`).
 */
export function importsOf(file: SourceFile): string[] {
  const found = new Set<string>()
  const add = (source: ESTree.Node | null): void => {
    const text = source === null ? undefined : textOf(source)
    if (text !== undefined) found.add(text)
  }
  new Visitor({
    ImportDeclaration: ({ source }) => add(source),
    ExportNamedDeclaration: ({ source }) => add(source),
    ExportAllDeclaration: ({ source }) => add(source),
    ImportExpression: ({ source }) => add(source),
    TSImportType: ({ source }) => add(source),
    NewExpression({ callee, arguments: [first, second] }) {
      if (callee.type !== 'Identifier' || callee.name !== 'URL' || second === undefined) return
      const isHere = file.text.slice(second.start, second.end) === 'import.meta.url'
      const target = isHere && first !== undefined ? textOf(first) : undefined
      // Named as what it is built to, since a bundler and Node both look for that.
      if (target?.startsWith('.') && /\.[jt]s$/.test(target)) found.add(target.replace(/js$/, 'ts'))
    },
  }).visit(file.program)
  return [...found]
}

/** A text as it is written, with quotes or with backticks and nothing put into it. */
function textOf(node: ESTree.Node): string | undefined {
  if (node.type === 'TemplateLiteral' && node.expressions.length === 0)
    return node.quasis[0]?.value.cooked ?? undefined
  return node.type === 'Literal' && typeof node.value === 'string' ? node.value : undefined
}

/** How a browser's bundler chooses among the targets of `imports` and `exports`, sources first. */
const BROWSER_CONDITIONS = new Set(['source', 'browser', 'import', 'default'])

/** The first target that the conditions allow. */
function targetOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  if (typeof value !== 'object' || value === null) return undefined
  for (const [condition, nested] of Object.entries(value)) {
    const target = BROWSER_CONDITIONS.has(condition) ? targetOf(nested) : undefined
    if (target !== undefined) return target
  }
  return undefined
}

function packageJson(folder: string): Record<string, unknown> {
  return JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'))
}

function entryOf(folder: string, field: 'imports' | 'exports', key: string): string | undefined {
  const map = packageJson(folder)[field]
  if (typeof map !== 'object' || map === null) return undefined
  const target = targetOf(new Map(Object.entries(map)).get(key))
  return target === undefined ? undefined : join(folder, target)
}

/**
 * The file of the project that an import means in a browser; undefined for packages of others.
 * @param folders package names and their folders.
 */
export function resolveImport(
  file: SourceFile,
  specifier: string,
  folders: ReadonlyMap<string, string>,
): string | undefined {
  if (specifier.startsWith('.')) {
    const path = join(dirname(file.path), specifier)
    return existsSync(join(root, path)) && /\.(ts|mts|js)$/.test(path) ? path : undefined
  }
  if (specifier.startsWith('#')) {
    const own = file.path.split('/').slice(0, 2).join('/')
    return entryOf(own, 'imports', specifier)
  }
  const [scope = '', name = '', ...rest] = specifier.split('/')
  const folder = folders.get(scope.startsWith('@') ? `${scope}/${name}` : scope)
  return folder && entryOf(folder, 'exports', ['.', ...rest].join('/'))
}

/** Every file that one can get to from `entries`, with the import that led to it first. */
export function reachable(
  entries: readonly string[],
  folders: ReadonlyMap<string, string>,
): Map<string, string | undefined> {
  const from = new Map<string, string | undefined>(entries.map((entry) => [entry, undefined]))
  for (const path of from.keys()) {
    const file = sourceFile(path)
    for (const specifier of importsOf(file)) {
      const target = resolveImport(file, specifier, folders)
      if (target !== undefined && !from.has(target)) from.set(target, path)
    }
  }
  return from
}

/** The circles of a graph: each group of nodes that can all reach one another. */
export function circlesOf(graph: ReadonlyMap<string, ReadonlySet<string>>): string[][] {
  const reach = new Map<string, Set<string>>()
  for (const start of graph.keys()) {
    const seen = new Set<string>(graph.get(start))
    for (const node of seen) for (const next of graph.get(node) ?? []) seen.add(next)
    reach.set(start, seen)
  }
  const circles = new Map<string, string[]>()
  for (const [node, seen] of reach) {
    if (!seen.has(node)) continue
    const circle = [...seen].filter((other) => reach.get(other)?.has(node)).toSorted()
    circles.set(circle.join(' '), circle)
  }
  return [...circles.values()]
}

/** The docstring that ends where `node` begins, with nothing but line comments in between. */
function docstringOf({ text, comments }: SourceFile, { start }: Node): string | undefined {
  let end = start
  for (const comment of comments.toReversed()) {
    if (comment.end > end) continue
    if (text.slice(comment.end, end).trim() !== '') return undefined
    if (comment.type === 'Block') return /^\*.*\w/s.test(comment.value) ? comment.value : undefined
    end = comment.start
  }
  return undefined
}

/** What a file declares and exports; what it passes on from others is documented there. */
export function exportsOf(file: SourceFile): ExportedName[] {
  const declared = new Map<string, { declaration: ESTree.Node; statement: Node }>()
  for (const statement of file.program.body) {
    const declaration = isExport(statement) ? statement.declaration : statement
    for (const [name, node] of declarationsIn(declaration)) {
      // The docstring of an overloaded function stands before its first form.
      if (!declared.has(name)) declared.set(name, { declaration: node, statement })
    }
  }
  return exportedNames(file).flatMap(([name, local]) => {
    const found = declared.get(local)
    if (found === undefined) return []
    const { declaration, statement } = found
    return [{ name, declaration, docstring: docstringOf(file, statement) }]
  })
}

function isExport(
  node: ESTree.Node,
): node is ESTree.ExportNamedDeclaration | ESTree.ExportDefaultDeclaration {
  return node.type === 'ExportNamedDeclaration' || node.type === 'ExportDefaultDeclaration'
}

/** Names of exports of a file's own, with the names that they have inside it. */
function exportedNames({ program }: SourceFile): [string, string][] {
  const names = program.body.filter(isExport).flatMap((statement): [string, string][] => {
    const own = declarationsIn(statement.declaration).map(([name]): [string, string] => [
      name,
      name,
    ])
    if (statement.type === 'ExportDefaultDeclaration' || statement.source !== null) return own
    const listed = statement.specifiers.flatMap(({ local, exported }): [string, string][] =>
      local.type === 'Identifier' && exported.type === 'Identifier'
        ? [[exported.name, local.name]]
        : [],
    )
    return [...own, ...listed]
  })
  return [...new Map(names)]
}

function declarationsIn(node: ESTree.Node | null): [string, ESTree.Node][] {
  switch (node?.type) {
    case 'VariableDeclaration':
      return node.declarations.flatMap((one) =>
        namesIn(one.id).map((name): [string, ESTree.Node] => [name, one]),
      )
    case 'FunctionDeclaration':
    case 'TSDeclareFunction':
    case 'ClassDeclaration':
      return [[node.id?.name ?? 'default', node]]
    case 'TSInterfaceDeclaration':
    case 'TSTypeAliasDeclaration':
    case 'TSEnumDeclaration':
      return [[node.id.name, node]]
    default:
      return []
  }
}

/** The names that a declaration binds: its own, or those that it takes out of a value. */
function namesIn(node: ESTree.Node | null): string[] {
  switch (node?.type) {
    case 'Identifier':
      return [node.name]
    case 'ObjectPattern':
      return node.properties.flatMap((one) =>
        namesIn(one.type === 'RestElement' ? one.argument : one.value),
      )
    case 'ArrayPattern':
      return node.elements.flatMap(namesIn)
    case 'AssignmentPattern':
      return namesIn(node.left)
    case 'RestElement':
      return namesIn(node.argument)
    default:
      return []
  }
}

/** The function that a name stands for, if it stands for one. */
function functionOf(node: ESTree.Node): Node | undefined {
  if (node.type === 'FunctionDeclaration') return node.body ?? undefined
  if (node.type !== 'VariableDeclarator' || node.init === null) return undefined
  const { init } = node
  return init.type === 'ArrowFunctionExpression' || init.type === 'FunctionExpression'
    ? (init.body ?? undefined)
    : undefined
}

function within(node: Node, outer: Node): boolean {
  return outer.start <= node.start && node.end <= outer.end
}

/** The functions of a file that never return: what calls them throws. */
function throwersOf({ program }: SourceFile): Set<string> {
  const names = program.body.flatMap((statement) => {
    const node = statement.type === 'ExportNamedDeclaration' ? statement.declaration : statement
    if (node?.type !== 'FunctionDeclaration') return []
    return node.returnType?.typeAnnotation.type === 'TSNeverKeyword' ? [node.id?.name ?? ''] : []
  })
  return new Set(names)
}

/**
 * Whether a function has a `throw` of its own, or calls a neighbour that never returns: not one of a function inside it, which may be
 * called by somebody else, and not one that its own `catch` takes.
 */
export function throwsItself(file: SourceFile, { declaration }: ExportedName): boolean {
  const body = functionOf(declaration)
  if (body === undefined) return false
  const helpers = throwersOf(file)
  const inside: Node[] = []
  const thrown: Node[] = []
  const skip = (node: Node): void => {
    if (node.start > body.start && node.end < body.end) inside.push(node)
  }
  new Visitor({
    FunctionDeclaration: skip,
    FunctionExpression: skip,
    ArrowFunctionExpression: skip,
    TryStatement(node) {
      if (node.handler !== null) skip(node.block)
    },
    ThrowStatement(node) {
      if (within(node, body)) thrown.push(node)
    },
    CallExpression(node) {
      const { callee } = node
      if (callee.type === 'Identifier' && helpers.has(callee.name) && within(node, body))
        thrown.push(node)
    },
  }).visit(file.program)
  return thrown.some((node) => !inside.some((outer) => within(node, outer)))
}

/**
 * The constants of a file in SCREAMING_CASE whose value is a number or a sum of numbers, wherever they
 * stand: at its top, inside a function, or as a static member of a class.
 */
export function numericConstants({ program }: SourceFile): string[] {
  const found: string[] = []
  const look = (name: ESTree.Node, value: ESTree.Expression | null): void => {
    if (name.type === 'Identifier' && SCREAMING.test(name.name) && isNumeric(value))
      found.push(name.name)
  }
  new Visitor({
    VariableDeclarator: ({ id, init }) => look(id, init),
    PropertyDefinition: ({ key, value }) => look(key, value),
  }).visit(program)
  return found
}

const SCREAMING = /^[A-Z][A-Z0-9_]*$/

function isNumeric(node: ESTree.Expression | null): boolean {
  switch (node?.type) {
    case 'Literal':
      return typeof node.value === 'number' || typeof node.value === 'bigint'
    case 'UnaryExpression':
      return isNumeric(node.argument)
    case 'BinaryExpression':
      return isTerm(node.left) && isTerm(node.right)
    case 'ParenthesizedExpression':
    case 'TSAsExpression':
    case 'TSSatisfiesExpression':
      return isNumeric(node.expression)
    default:
      return false
  }
}

/** A number, or another constant in a sum with numbers. */
function isTerm(node: ESTree.Expression | ESTree.PrivateIdentifier): boolean {
  if (node.type === 'PrivateIdentifier') return false
  if (node.type === 'Identifier') return SCREAMING.test(node.name)
  return isNumeric(node)
}

/** The members of a file's interfaces and types that may be left out, as they are written. */
export function optionalMembers({ program, text }: SourceFile): string[] {
  const found: string[] = []
  const look = (member: ESTree.TSPropertySignature | ESTree.TSMethodSignature): void => {
    if (member.optional) found.push(text.slice(member.key.start, member.key.end))
  }
  new Visitor({ TSPropertySignature: look, TSMethodSignature: look }).visit(program)
  return found
}
