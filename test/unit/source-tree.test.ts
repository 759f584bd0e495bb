import { describe, expect, test } from 'vitest'
import {
  circlesOf,
  exportsOf,
  importsOf,
  numericConstants,
  optionalMembers,
  parseSource,
  throwsItself,
} from './source-tree.ts'

const parse = (text: string) => parseSource('packages/made-up/src/file.ts', text)

const bare = (text: string): string[] =>
  exportsOf(parse(text))
    .filter(({ docstring }) => docstring === undefined)
    .map(({ name }) => name)

const throwing = (text: string): string[] => {
  const file = parse(text)
  return exportsOf(file)
    .filter((one) => throwsItself(file, one))
    .map(({ name }) => name)
}

test('imports are found in every form that a file can take another one in', () => {
  const text = `
    import a from './a.ts'
    import type { B } from './b.ts'
    export { c } from './c.ts'
    export * from './d.ts'
    import './e.ts'
    const f = () => import('./f.ts')
    type G = import('./g.ts').G
    new Worker(new URL('./h.js', import.meta.url))
    const i = () => import(\`./i.ts\`)
    new URL('https://example.org', import.meta.url)
    // import './not-this.ts'
    const text = "import './nor-this.ts'"`
  expect(importsOf(parse(text)).toSorted()).toEqual([...'abcdefghi'].map((name) => `./${name}.ts`))
})

test('a circle is found through any number of files, and each one once', () => {
  const graph = new Map([
    ['a', new Set(['b'])],
    ['b', new Set(['c'])],
    ['c', new Set(['a', 'd'])],
    ['d', new Set(['e'])],
    ['e', new Set(['d'])],
    ['f', new Set(['a'])],
  ])
  expect(circlesOf(graph)).toEqual([
    ['a', 'b', 'c'],
    ['d', 'e'],
  ])
})

describe('a docstring', () => {
  test('stands right before what is exported', () => {
    expect(bare('/** Says. */\nexport const a = 1\nexport const b = 2')).toEqual(['b'])
    expect(bare('/** Of the file. */\nimport "./x.ts"\nexport function a() {}')).toEqual(['a'])
    expect(bare('// Not one.\nexport class A {}')).toEqual(['A'])
    expect(bare('/* Nor this. */\nexport interface A {}')).toEqual(['A'])
    expect(bare('/** */\nexport const a = 1')).toEqual(['a'])
    expect(bare('/** Says. */\n// biome-ignore x: y\nexport type A = 1')).toEqual([])
  })

  test('is asked of names that are exported apart from their declaration', () => {
    expect(bare('function a() {}\nexport { a as b }')).toEqual(['b'])
    expect(bare("export { a } from './documented-there.ts'")).toEqual([])
    expect(bare('export const { a, b: [c], ...d } = e')).toEqual(['a', 'c', 'd'])
  })

  test('of an overloaded function stands before its first form', () => {
    expect(
      bare('/** Says. */\nexport function a(x: 1): 1\nexport function a(x: any): any { return x }'),
    ).toEqual([])
  })
})

describe('a function throws', () => {
  test('by a statement of its own, or by a neighbour that never returns', () => {
    expect(throwing('export function a() { if (b) { throw c } }')).toEqual(['a'])
    expect(throwing('export const a = () => { throw c }')).toEqual(['a'])
    expect(throwing('function fail(): never { throw c }\nexport function a() { fail() }')).toEqual([
      'a',
    ])
  })

  test('not by what a function inside it does, and not by what it catches', () => {
    expect(throwing('export function a() { return () => { throw c } }')).toEqual([])
    expect(throwing('export function a() { return { b() { throw c } } }')).toEqual([])
    expect(throwing('export function a() { try { throw c } catch { return d } }')).toEqual([])
    expect(throwing('export function a() { try { b() } catch { throw c } }')).toEqual(['a'])
  })
})

test('a bound is a constant whose value is a number or made of numbers', () => {
  const text = `
    export const BYTES_MAX = 4 << 20
    const WAIT_MS = -(60 * 1_000)
    const TWICE_MS = 2 * WAIT_MS
    const NAME = 'a name'
    const TABLE = [1, 2]
    const lower = 3
    const EXACT = 4 as const
    const NARROW = 5 satisfies number
    function f() { const INNER = 6 }
    class A { static readonly STATIC = 7 }`
  const names = ['BYTES_MAX', 'WAIT_MS', 'TWICE_MS', 'EXACT', 'NARROW', 'INNER', 'STATIC']
  expect(numericConstants(parse(text))).toEqual(names)
})

test('a member that may be left out is found as a property and as a method, in whatever type', () => {
  const text = `
    interface A { b?: 1; c?(): void; 'd'?: 1; e: 1; f(g?: 1): void }
    type H = { i?: 1 } & A`
  expect(optionalMembers(parse(text))).toEqual(['b', 'c', "'d'", 'i'])
})
