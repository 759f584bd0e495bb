// Makes the README.md of every package and app. A package's is its first page, the docstring on top
// of src/index.ts, and the list of its exports with the first sentence of each docstring. An app's is
// the docstring on top of src/main.ts, and the command line's lists its commands.
//
//   node scripts/make-readmes.mjs [--check]
//
// With --check nothing is written: stale files are named and the exit code is 1.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))

/** Kinds of exports, by the word that declares them, in the order in which they are listed. */
const HEADINGS = new Map([
  ['function', 'Functions'],
  ['class', 'Classes'],
  ['const', 'Constants'],
  ['namespace', 'Namespaces'],
  ['type', 'Types'],
  ['elsewhere', 'From other packages'],
])

function fail(message) {
  process.stderr.write(`make-readmes: ${message}\n`)
  process.exit(1)
}

const read = (file) => readFileSync(file, 'utf8')
const shown = (file) => relative(root, file)

/** The lines of a docstring without its stars. */
function docLines(comment) {
  return comment
    .replace(/^\/\*\*/, '')
    .replace(/\*\/\s*$/, '')
    .split('\n')
    .map((line) => line.replace(/^\s*\* ?/, '').trimEnd())
}

/** The docstring that ends where `before` ends; line comments may stand between. */
function docstringBefore(before) {
  const text = before.replace(/(?:^[ \t]*\/\/[^\n]*\n)+$/m, '')
  const start = text.lastIndexOf('/**')
  if (start < 0) return undefined
  const comment = text.slice(start)
  return /^\/\*\*(?:(?!\*\/)[\s\S])*\*\/\s*$/.test(comment) ? comment : undefined
}

/** The first sentence of a docstring, in one line; nothing when there is none. */
function firstSentence(comment) {
  const lines = comment === undefined ? [] : docLines(comment)
  const text = lines.join('\n').trim()
  const paragraph = (text.split(/\n\s*\n|\n(?=@)/)[0] ?? '').replace(/\s+/g, ' ')
  const words = paragraph.startsWith('@') ? '' : paragraph.replace(/ @(?!layerswarm\b).*$/, '')
  const [sentence = ''] = words.split(/(?<=[.!?])\s+(?=["'“(`A-Z])/)
  return sentence.replace(/\{@link\s+([^}|]+)[^}]*\}/g, '`$1`')
}

/** What HTML would swallow, but for code. */
function plain(text) {
  return text
    .split(/(`[^`]*`)/)
    .map((part) => (part.startsWith('`') ? part : part.replaceAll('<', '&lt;')))
    .join('')
}

/** A file's first page: the docstring on top of it, as markdown. */
function firstPage(file) {
  const comment = /^\s*(\/\*\*[\s\S]*?\*\/)/.exec(read(file))?.[1]
  if (comment === undefined) fail(`${shown(file)} does not open with a docstring`)
  const page = docLines(comment)
    .filter((line) => !/^@(example|packageDocumentation|module)\b/.test(line))
    .join('\n')
    .replace(/\n{3,}/g, '\n\n')
    .trim()
  if (!page.includes('```')) fail(`the docstring on top of ${shown(file)} has no example`)
  return page
}

/** Where an import leads: a source file of this repository, or undefined for others' packages. */
function targetOf(specifier, file) {
  if (specifier.startsWith('.')) return resolve(dirname(file), specifier)
  const entry = units
    .flatMap(({ entries }) => entries)
    .find(({ specifier: own }) => own === specifier)
  return entry?.file
}

/** Source without comments; docstrings are looked up in the original. */
function bare(source) {
  return source.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '')
}

/** `a, type b as c` as pairs of the name there and the name here. */
function namesIn(list) {
  return list
    .split(',')
    .map((one) => one.trim().replace(/^type\s+/, ''))
    .filter((one) => one !== '')
    .map((one) => {
      const [there, here = there] = one.split(/\s+as\s+/)
      return { there, here }
    })
}

const DECLARATION =
  /^export\s+(?:declare\s+)?(?:abstract\s+)?(?:async\s+)?(?:default\s+)?(const enum|const|let|var|function\*?|class|interface|type|enum|namespace)\s+([A-Za-z_$][\w$]*)/gm

function kindOf(word) {
  if (word.startsWith('function')) return 'function'
  if (word === 'interface' || word === 'type') return 'type'
  return word === 'class' || word === 'namespace' ? word : 'const'
}

/** Everything that a file exports, by name: its kind and the first sentence about it. */
function exportsOf(file, underway = new Set()) {
  if (underway.has(file)) return new Map()
  const source = read(file)
  const text = bare(source)
  const going = new Set([...underway, file])
  const found = new Map()
  const add = (name, what) => found.has(name) || found.set(name, what)
  for (const [, word, name] of text.matchAll(DECLARATION)) {
    add(name, { kind: kindOf(word), sentence: sentenceOf(source, name) })
  }
  for (const [, list, specifier] of text.matchAll(
    /^export\s+(?:type\s+)?\{([^}]*)\}(?:\s*from\s*['"]([^'"]+)['"])?/gm,
  )) {
    for (const { there, here } of namesIn(list)) add(here, lookUp(there, specifier, file, going))
  }
  for (const [, alias, specifier] of text.matchAll(
    /^export\s+(?:type\s+)?\*(?:\s+as\s+([\w$]+))?\s*from\s*['"]([^'"]+)['"]/gm,
  )) {
    const target = targetOf(specifier, file)
    if (alias !== undefined) add(alias, { kind: 'namespace', sentence: '' })
    else if (target !== undefined)
      for (const [name, what] of exportsOf(target, going)) add(name, what)
  }
  return found
}

/** What a name in an export list is: declared beside the list, imported, or exported elsewhere. */
function lookUp(name, specifier, file, underway) {
  if (specifier === undefined) {
    const source = read(file)
    const word = new RegExp(
      `^(?:export\\s+)?(?:async\\s+)?(const|let|function\\*?|class|interface|type|enum)\\s+${name}\\b`,
      'm',
    ).exec(bare(source))?.[1]
    if (word !== undefined) return { kind: kindOf(word), sentence: sentenceOf(source, name) }
    for (const [, list, from] of bare(source).matchAll(
      /^import\s+(?:type\s+)?\{([^}]*)\}\s*from\s*['"]([^'"]+)['"]/gm,
    )) {
      const imported = namesIn(list).find(({ here }) => here === name)
      if (imported !== undefined) return lookUp(imported.there, from, file, underway)
    }
    return fail(`${shown(file)} exports "${name}", which it neither declares nor imports`)
  }
  const target = targetOf(specifier, file)
  if (target === undefined) return { kind: 'elsewhere', sentence: `of \`${specifier}\`` }
  if (!existsSync(target))
    fail(`${shown(file)} exports from ${shown(target)}, which does not exist`)
  return (
    exportsOf(target, underway).get(name) ??
    fail(`${shown(file)} exports "${name}", which ${shown(target)} does not`)
  )
}

/** The first sentence of a declaration's docstring. */
function sentenceOf(source, name) {
  const declared = new RegExp(
    `^(?:export\\s+)?(?:declare\\s+)?(?:abstract\\s+)?(?:async\\s+)?(?:const enum|const|let|var|function\\*?|class|interface|type|enum|namespace)\\s+${name.replace('$', '\\$')}(?![\\w$])`,
    'gm',
  )
  // A constant and its type share a name at times: the one with a docstring speaks.
  for (const match of source.matchAll(declared)) {
    const sentence = firstSentence(docstringBefore(source.slice(0, match.index)))
    if (sentence !== '') return sentence
  }
  return ''
}

function exportList(file, level) {
  const all = [...exportsOf(file)].toSorted(([a], [b]) =>
    a.toLowerCase() === b.toLowerCase()
      ? a < b
        ? -1
        : 1
      : a.toLowerCase() < b.toLowerCase()
        ? -1
        : 1,
  )
  return [...HEADINGS].flatMap(([kind, heading]) => {
    const lines = all
      .filter(([, what]) => what.kind === kind)
      .map(([name, { sentence }]) =>
        sentence === '' ? `- \`${name}\`` : `- \`${name}\`: ${plain(sentence)}`,
      )
    return lines.length === 0 ? [] : [`${level} ${heading}\n\n${lines.join('\n')}`]
  })
}

/** Commands of the command line with what they do, in the order of its own overview. */
function commandList(folder) {
  const index = join(folder, 'src/commands/index.ts')
  const text = bare(read(index))
  const order = /COMMANDS\b[^=]*=\s*\[([^\]]*)\]/.exec(text)?.[1] ?? ''
  const lines = namesIn(order).map(({ here: variable }) => {
    const file = new RegExp(`\\b${variable}\\b[^}]*\\}\\s*from\\s*['"]([^'"]+)['"]`).exec(text)?.[1]
    const source = file === undefined ? '' : read(resolve(dirname(index), file))
    const name = /\bname: '([^']+)'/.exec(source)?.[1]
    const summary = /\bsummary:\s*'((?:[^'\\]|\\.)*)'/.exec(source)?.[1]
    if (name === undefined || summary === undefined)
      fail(`${shown(index)} lists "${variable}", whose name and summary were not found`)
    return `- \`layerswarm ${name}\`: ${summary.replaceAll("\\'", "'")}`
  })
  if (lines.length === 0) fail(`${shown(index)} lists no commands`)
  return `## Commands\n\n${lines.join('\n')}\n\n\`layerswarm COMMAND --help\` lists the flags of one.`
}

/** A folder of packages/ or apps/: its name and the source files that others may import. */
function unitIn(folder) {
  const { name, exports = {} } = JSON.parse(read(join(folder, 'package.json')))
  // Files that are exported as they are, like package.json, have no source.
  const entries = Object.entries(exports).flatMap(([path, { source }]) =>
    source === undefined
      ? []
      : [
          {
            specifier: path === '.' ? name : `${name}${path.slice(1)}`,
            file: join(folder, source),
          },
        ],
  )
  return { folder, name, entries }
}

const units = ['packages', 'apps'].flatMap((top) =>
  readdirSync(join(root, top))
    .toSorted()
    .map((name) => join(root, top, name))
    .filter((folder) => existsSync(join(folder, 'package.json')))
    .map(unitIn),
)

function packageReadme({ name, entries: [index, ...others] }) {
  const more = others.flatMap(({ specifier, file }) => [
    `## \`${specifier}\``,
    // Entries beside the first need no example of their own.
    docLines(/^\s*(\/\*\*[\s\S]*?\*\/)/.exec(read(file))?.[1] ?? '')
      .join('\n')
      .trim(),
    ...exportList(file, '###'),
  ])
  return [
    `# ${name}`,
    firstPage(index.file),
    '## Exports',
    ...exportList(index.file, '###'),
    ...more,
  ]
}

function appReadme({ folder, name }) {
  const page = [`# ${name}`, firstPage(join(folder, 'src/main.ts'))]
  return existsSync(join(folder, 'src/commands/index.ts')) ? [...page, commandList(folder)] : page
}

const stale = []
for (const unit of units) {
  const source = unit.entries.length > 0 ? 'src/index.ts' : 'src/main.ts'
  const blocks = unit.entries.length > 0 ? packageReadme(unit) : appReadme(unit)
  const note = `<!-- Made from ${source} by scripts/make-readmes.mjs: edit that, then run the script. -->`
  const text = `${[note, ...blocks].filter((block) => block !== '').join('\n\n')}\n`
  const file = join(unit.folder, 'README.md')
  if (existsSync(file) && read(file) === text) continue
  if (process.argv.includes('--check')) stale.push(shown(file))
  else {
    writeFileSync(file, text)
    process.stdout.write(`${shown(file)}\n`)
  }
}
if (stale.length > 0) {
  fail(`${stale.join(', ')}: not as the sources say; run \`node scripts/make-readmes.mjs\``)
}
