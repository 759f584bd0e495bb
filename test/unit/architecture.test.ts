import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import {
  circlesOf,
  exportsOf,
  importsOf,
  numericConstants,
  optionalMembers,
  reachable,
  resolveImport,
  sourceFile,
  sourcesOf,
  throwsItself,
} from './source-tree.ts'

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

const units = picture()
const nameOf = (folder: string): string =>
  JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')).name
const folderOf = new Map(units.map(({ folder }) => [nameOf(folder), folder]))
const packageOf = (specifier: string): string =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')

/** A file that is longer says "Long because …" in its first comment. */
const LINES_MAX = 400

/** Numbers that bound nothing, by what they are instead. */
const NO_BOUNDS: Readonly<Record<string, readonly string[]>> = {
  'fixed by the format of a file or of the wire': [
    'INT8_CODE_MAX',
    'UNSIGNED_BYTE',
    'IR_VERSION',
    'OPSET_VERSION',
    'VARINT',
    'LENGTH_DELIMITED',
    'FIXED32',
    'FLOAT16_BYTES',
    'PROTOCOL_VERSION',
  ],
  'a unit': ['MB'],
  'the shape of a published data set': ['CIFAR_SIZE', 'CIFAR_CHANNELS', 'CIFAR_PIXELS'],
  'the shape of made-up data for tests': ['FIXTURE_IMAGE_SIZE', 'FIXTURE_CLASSES'],
  'a coefficient of a published method': [
    'MIDDLE_GREY',
    'HALF',
    'VARIANT_LAYER_NORM_EPS',
    'POSITION_WIDTH',
    'BETA1',
    'EPSILON',
    'MOMENTUM',
    'ITERATIONS',
    'UPDATE_RMS',
    'EMBEDDING_STD',
    'LAYER_DROP',
    'LAYER_NORM_EPS',
    'WARM_UP_STEPS',
  ],
  'how exactly two computations of the same must agree': ['BATCH_TOLERANCE'],
}
const notBounds = new Set(Object.values(NO_BOUNDS).flat())

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
    const own = sourcesOf(folder)
    expect(own.length).toBeGreaterThan(0)
    const used = new Set(
      own.flatMap(importsOf).map((specifier) => folderOf.get(packageOf(specifier))),
    )
    used.delete(undefined)
    for (const target of used) expect(imports, `${folder} imports ${target}`).toContain(target)
  })
})

describe('inside a package', () => {
  test.each(units)('nobody imports the index of $folder', ({ folder }) => {
    for (const file of sourcesOf(folder)) {
      const targets = importsOf(file).map((specifier) => resolveImport(file, specifier, folderOf))
      expect(targets, file.path).not.toContain(`${folder}/src/index.ts`)
    }
  })

  test.each(units)('every file of $folder stays inside it', ({ folder }) => {
    for (const file of sourcesOf(folder)) {
      for (const specifier of importsOf(file).filter((name) => name.startsWith('.'))) {
        const target = join(dirname(file.path), specifier)
        expect(target.startsWith(`${folder}/`), `${file.path} imports ${specifier}`).toBe(true)
      }
    }
  })

  test.each(units)('no files of $folder import one another in a circle', ({ folder }) => {
    const graph = new Map(
      sourcesOf(folder).map((file) => {
        const targets = importsOf(file).map((name) => resolveImport(file, name, folderOf))
        return [file.path, new Set(targets.filter((target) => target !== undefined))]
      }),
    )
    expect(circlesOf(graph).map((circle) => circle.join(' ↔ '))).toEqual([])
  })

  test.each(units)('no folders of $folder import one another in a circle', ({ folder }) => {
    // What lies directly in src is a room of its own: it puts the others together, or all lean on it.
    const roomOf = (path: string): string =>
      dirname(path) === `${folder}/src` ? path : dirname(path)
    const graph = new Map<string, Set<string>>()
    for (const file of sourcesOf(folder)) {
      const from = roomOf(file.path)
      const rooms = graph.get(from) ?? new Set<string>()
      graph.set(from, rooms)
      for (const specifier of importsOf(file)) {
        const target = resolveImport(file, specifier, folderOf)
        if (target?.startsWith(`${folder}/`) && roomOf(target) !== from) rooms.add(roomOf(target))
      }
    }
    expect(circlesOf(graph).map((circle) => circle.join(' ↔ '))).toEqual([])
  })
})

describe('a pure package', () => {
  const pure = units.filter(({ level }) => level <= 1)
  /** Written for any platform: nothing of the kind is declared or used in them. */
  const PLATFORM_FREE = /^(@noble\/|@layerswarm\/|canonicalize$)/

  test.each(pure)('$folder names no platform module', ({ folder }) => {
    for (const file of sourcesOf(folder)) {
      for (const specifier of importsOf(file)) {
        const allowed = specifier.startsWith('.') || PLATFORM_FREE.test(specifier)
        expect(allowed, `${file.path} imports ${specifier}`).toBe(true)
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

describe('a port', () => {
  test('has no member that an implementation may leave out', () => {
    const file = sourceFile('packages/swarm/src/ports.ts')
    const optional = optionalMembers(file)
    expect(optional).toEqual([])
  })
})

describe('a browser peer', () => {
  const entries = ['packages/peer/src/index.ts', 'packages/peer/src/engines.browser.ts']
  const found = reachable(entries, folderOf)

  test('is made of the files that a browser gets', () => {
    expect([...found.keys()]).toContain('packages/peer/src/node/net.browser.ts')
    expect([...found.keys()]).toContain('packages/swarm/src/index.ts')
    expect([...found.keys()].filter((path) => path.endsWith('.node.ts'))).toEqual([])
  })

  test('takes nothing along that only the lab and the tests use', () => {
    const foreign = [...found]
      .filter(([path]) => /^packages\/(lab|swarm\/src\/testing)\//.test(path))
      .map(([path, from]) => `${path}, imported by ${from}`)
    expect(foreign).toEqual([])
  })
})

describe('a source file', () => {
  test.each(units)('of $folder has its numeric bounds in a limits.ts', ({ folder }) => {
    const strays = sourcesOf(folder)
      .filter(({ path }) => !path.endsWith('/limits.ts'))
      .flatMap((file) =>
        numericConstants(file)
          .filter((name) => !notBounds.has(name))
          .map((name) => `${file.path}: ${name}`),
      )
    expect(strays).toEqual([])
  })

  test.each(units)('of $folder says what each of its exports is', ({ folder }) => {
    const bare = sourcesOf(folder).flatMap((file) =>
      exportsOf(file)
        .filter(({ docstring }) => docstring === undefined)
        .map(({ name }) => `${file.path}: ${name}`),
    )
    expect(bare).toEqual([])
  })

  test.each(units)('of $folder says which of its functions throw', ({ folder }) => {
    const silent = sourcesOf(folder).flatMap((file) =>
      exportsOf(file)
        .filter((one) => throwsItself(file, one) && !one.docstring?.includes('@throws'))
        .map(({ name }) => `${file.path}: ${name}`),
    )
    expect(silent).toEqual([])
  })

  test.each(units)('of $folder is no longer than one can read', ({ folder }) => {
    const long = sourcesOf(folder)
      .filter(({ text }) => text.split('\n').length - 1 > LINES_MAX)
      .filter(({ comments }) => !comments[0]?.value.includes('Long because'))
      .map(({ path }) => path)
    expect(long).toEqual([])
  })
})

describe('every exception above', () => {
  test('is one: the constant exists', () => {
    const all = new Set(units.flatMap(({ folder }) => sourcesOf(folder).flatMap(numericConstants)))
    expect([...notBounds].filter((name) => !all.has(name))).toEqual([])
  })
})
