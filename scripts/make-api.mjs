// Writes docs/api/*.md: every export of every package with its signature and its docstring, members
// and errors included, as the compiler declares them.
//
//   tsc -b && node scripts/make-api.mjs [--check]      --check writes nothing and fails when one is not current
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { inspect } from 'node:util'

const root = fileURLToPath(new URL('..', import.meta.url))
const PACKAGES = ['model', 'swarm', 'lab', 'figures', 'peer', 'signaling', 'trainer']

/** The names that a file exports, with the file that declares each: itself, or the one it imports from. */
function exportsOf(file) {
  const text = readFileSync(file, 'utf8')
  const handedOn = [...text.matchAll(/^export (?:type )?\{([^}]*)\}(?: from ['"]([^'"]+)['"])?/gm)]
  const own = text.matchAll(
    /^export (?:declare )?(?:abstract )?(?:const|function|class|interface|type) (\w+)/gm,
  )
  const whole = [...text.matchAll(/^export (?:type )?\* from ['"]([^'"]+)['"]/gm)]
  return [
    ...whole.flatMap(([, from]) =>
      exportsOf(declarationOf(file, from)).map(({ as }) => ({ name: as, as, from })),
    ),
    ...new Map([...own].map(([, name]) => [name, { name, as: name }])).values(),
    ...handedOn.flatMap(([, names, from]) =>
      names
        .split(',')
        .map((word) => word.trim().replace(/^type /, ''))
        .filter((word) => word !== '')
        .map((word) => {
          const [name, as = name] = word.split(' as ')
          return { name, as, from }
        }),
    ),
  ]
}

/** The declaration file of an import, and what other packages hand on under their own name. */
function declarationOf(file, from) {
  if (from === undefined) return file
  if (from.startsWith('.')) return join(dirname(file), from.replace(/\.ts$/, '.d.ts'))
  // What a package has twice, for Node and for browsers: both declare the same.
  if (from.startsWith('#')) {
    const place = file.slice(0, file.indexOf('/dist/'))
    const { imports } = JSON.parse(readFileSync(join(place, 'package.json'), 'utf8'))
    return join(place, imports[from].default.default.replace(/\.js$/, '.d.ts'))
  }
  const [, folder] = /^@layerswarm\/(\w+)$/.exec(from) ?? []
  return folder === undefined ? undefined : join(root, 'packages', folder, 'dist/index.d.ts')
}

/** Top-level statements of a declaration file, each with the comment before it. */
function statementsOf(file) {
  const statements = []
  let comment = []
  let current
  let isComment = false
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    if (line.startsWith('/**')) {
      comment = []
      isComment = true
      current = undefined
    }
    if (isComment) {
      comment.push(line)
      isComment = !line.trimEnd().endsWith('*/')
      continue
    }
    if (/^(export|declare|import|\/\/)/.test(line)) {
      current = { comment, lines: [] }
      statements.push(current)
      comment = []
    }
    current?.lines.push(line)
  }
  return statements
}

/** All statements that declare a name: an overloaded function has several. */
function declared(file, name) {
  const word = `(?:declare |abstract |const |function |class |interface |type )+${name}\\b`
  const here = statementsOf(file).filter(({ lines }) =>
    new RegExp(`^(?:export )?${word}`).test(lines[0]),
  )
  if (here.length > 0) return here
  const passed = exportsOf(file).find(({ as }) => as === name)
  const next = passed && declarationOf(file, passed.from)
  if (next === undefined) throw new Error(`${file} does not declare ${name}`)
  return declared(next, passed.name)
}

/** The declaration file in which a name is declared, and not just handed on. */
function whereDeclared(file, name) {
  const passed = exportsOf(file).find(({ as }) => as === name)
  const next = passed?.from && declarationOf(file, passed.from)
  return next ? whereDeclared(next, passed.name) : file
}

/** A comment as Markdown. */
function prose(comment) {
  const text = comment
    .join('\n')
    .replace(/^\/\*\*\s?|\s*\*\/$/g, '')
    .replace(/^ \* ?/gm, '')
  return text
    .replace(/\s*@param (\S+)\s+/g, '\n\n- `$1`: ')
    .replace(/\s*@returns\s+/g, '\n\nReturns ')
    .replace(/\s*@throws\s+/g, '\n\nThrows ')
    .replace(/\s*@example\s*/g, '\n\n')
    .trim()
}

function code(lines) {
  const text = lines
    .filter((line) => !/^ {4}(private|#)/.test(line) && !line.startsWith('//#'))
    .join('\n')
    .replace(/^export (declare )?/, '')
    .trimEnd()
  return `\`\`\`ts\n${text}\n\`\`\``
}

/** What a frozen constant holds, when its type does not show it. */
async function heldBy(file, name, { lines }) {
  if (!/^(export )?(declare )?const /.test(lines[0])) return []
  const value = (await import(pathToFileURL(file.replace(/\.d\.ts$/, '.js')).href))[name]
  if (typeof value !== 'object' || Array.isArray(value) || !Object.isFrozen(value)) return []
  const text = inspect(value, { depth: 4, compact: 1, breakLength: 100, numericSeparator: true })
  return ['It holds', code(text.split('\n'))]
}

async function entryPart(file, mark) {
  const names = exportsOf(file).toSorted((a, b) => (a.as < b.as ? -1 : 1))
  const parts = names.map(async ({ name, as, from }) => {
    const place = declarationOf(file, from)
    const statements = declared(place, name)
    const texts = statements.flatMap(({ comment, lines }) =>
      [prose(comment), code(lines)].filter((text) => text !== ''),
    )
    const held = await heldBy(whereDeclared(place, name), name, statements[0])
    return [`${mark} ${as}`, ...texts, ...held].join('\n\n')
  })
  return Promise.all(parts)
}

async function page(folder) {
  const place = join(root, 'packages', folder)
  const { name, exports } = JSON.parse(readFileSync(join(place, 'package.json'), 'utf8'))
  const entries = Object.entries(exports).filter(([, { types }]) => types !== undefined)
  const parts = entries.map(async ([path, { types }]) => [
    ...(path === '.' ? [] : [`## \`${name}${path.slice(1)}\``]),
    ...(await entryPart(join(place, types), path === '.' ? '##' : '###')),
  ])
  const note = `Every export of the package with its signature; its first page, with an example, is [its README](../../packages/${folder}/README.md). A type that is named and not listed is of @layerswarm/model or @layerswarm/swarm, or an editor shows it.`
  const made = '<!-- Made by scripts/make-api.mjs: edit the docstrings, not this file. -->'
  return `${[made, `# ${name}`, note, ...(await Promise.all(parts)).flat()].join('\n\n')}\n`
}

const checks = process.argv.includes('--check')
const stale = []
mkdirSync(join(root, 'docs/api'), { recursive: true })
for (const folder of PACKAGES) {
  const file = join(root, `docs/api/${folder}.md`)
  const text = await page(folder)
  if (existsSync(file) && readFileSync(file, 'utf8') === text) continue
  if (checks) stale.push(`docs/api/${folder}.md`)
  else writeFileSync(file, text)
}
if (stale.length > 0) {
  process.stderr.write(`not current: ${stale.join(', ')}; run \`node scripts/make-api.mjs\`\n`)
  process.exitCode = 1
}
