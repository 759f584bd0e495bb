import { readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))

interface Unit {
  readonly folder: string
  readonly level: number
  readonly imports: readonly string[]
}

/** The picture in ARCHITECTURE.md, read as data. */
function picture(): Unit[] {
  const text = readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8')
  const block = /```layers\n([\s\S]*?)```/.exec(text)?.[1] ?? ''
  return block
    .trim()
    .split('\n')
    .map((line) => {
      const match = /^(\d)\s+(\S+)\s+->\s*(.*)$/.exec(line)
      if (match === null) throw new Error(`not a line of the picture: ${line}`)
      return {
        level: Number(match[1]),
        folder: match[2] as string,
        imports: (match[3] as string).split(/\s+/).filter(Boolean),
      }
    })
}

function sources(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.(ts|mts|js)$/.test(file))
    .map((file) => join(root, folder, file))
    .filter((file) => statSync(file).isFile())
}

/** Module names that a file imports, statically or dynamically. */
function importsOf(file: string): string[] {
  const text = readFileSync(file, 'utf8')
  const pattern =
    /(?:^\s*(?:import|export)\b[^'"`;]*?from\s*|^\s*import\s*|\bimport\(\s*)['"]([^'"]+)['"]/gm
  return [...text.matchAll(pattern)].map((match) => match[1] as string)
}

const units = picture()
const nameOf = (folder: string): string =>
  JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')).name
const folderOf = new Map(units.map(({ folder }) => [nameOf(folder), folder]))
const packageOf = (specifier: string): string =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')

describe('the picture in ARCHITECTURE.md', () => {
  test('shows every package and app', () => {
    const found = ['packages', 'apps'].flatMap((top) =>
      readdirSync(join(root, top)).map((name) => `${top}/${name}`),
    )
    expect(units.map(({ folder }) => folder).toSorted()).toEqual(found.toSorted())
  })

  test('points downwards only', () => {
    const level = new Map(units.map((unit) => [unit.folder, unit.level]))
    for (const unit of units)
      for (const target of unit.imports) expect(level.get(target), target).toBeLessThan(unit.level)
  })

  test.each(units)('is true of $folder', ({ folder, imports }) => {
    const own = sources(join(folder, 'src')).filter((file) => !file.endsWith('.test.ts'))
    expect(own.length).toBeGreaterThan(0)
    const used = new Set(
      own.flatMap((file) => importsOf(file)).map((specifier) => folderOf.get(packageOf(specifier))),
    )
    used.delete(undefined)
    for (const target of used) expect(imports, `${folder} imports ${target}`).toContain(target)
  })
})

describe('inside a package', () => {
  test.each(units)('nobody imports the index of $folder', ({ folder }) => {
    const index = join(root, folder, 'src', 'index.ts')
    for (const file of sources(join(folder, 'src'))) {
      if (file.endsWith('.test.ts')) continue
      const targets = importsOf(file)
        .filter((specifier) => specifier.startsWith('.'))
        .map((specifier) => join(dirname(file), specifier))
      expect(targets, relative(root, file)).not.toContain(index)
    }
  })

  test.each(units)('every file of $folder stays inside it', ({ folder }) => {
    for (const file of sources(join(folder, 'src'))) {
      for (const specifier of importsOf(file).filter((name) => name.startsWith('.'))) {
        const target = relative(join(root, folder), join(dirname(file), specifier))
        expect(target.startsWith('..'), `${relative(root, file)} imports ${specifier}`).toBe(false)
      }
    }
  })
})

describe('a pure package', () => {
  const pure = units.filter(({ level }) => level <= 1)

  test.each(pure)('$folder names no platform module', ({ folder }) => {
    for (const file of sources(join(folder, 'src')).filter((name) => !name.endsWith('.test.ts'))) {
      for (const specifier of importsOf(file)) {
        const allowed =
          specifier.startsWith('.') ||
          specifier.startsWith('@noble/') ||
          specifier.startsWith('@layerswarm/')
        expect(allowed, `${relative(root, file)} imports ${specifier}`).toBe(true)
      }
    }
  })

  test.each(pure)('$folder compiles without DOM, Node or timers', ({ folder }) => {
    const { compilerOptions } = JSON.parse(
      readFileSync(join(root, folder, 'tsconfig.json'), 'utf8'),
    )
    expect(compilerOptions.lib).toEqual(['ES2023'])
    expect(compilerOptions.types).toEqual([])
  })
})
