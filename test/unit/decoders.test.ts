import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { readCorpus } from '../fuzz/corpus.ts'
import { EXEMPT } from '../fuzz/exempt.ts'
import { CASES_SHORT } from '../fuzz/limits.ts'
import { checkProperties } from '../fuzz/properties.ts'
import { shareOf } from '../fuzz/target.ts'
import { TARGETS } from '../fuzz/targets.ts'
import { exportsOf, sourceFile, sourcesOf } from './source-tree.ts'

const FOLDERS = [
  ...['figures', 'lab', 'model', 'peer', 'signaling', 'swarm', 'trainer'].map(
    (name) => `packages/${name}`,
  ),
  ...['cli', 'web'].map((name) => `apps/${name}`),
]
const covered = new Set(TARGETS.flatMap(({ covers }) => covers))
const coveredFiles = new Set([...covered].map((cover) => cover.split('#')[0]))
const corpus = readCorpus(fileURLToPath(new URL('../fuzz/corpus.json', import.meta.url)))

/** What reads what comes from outside, by its name: `file#function`; a file that parses JSON by the file's. */
function readers(folder: string): string[] {
  return sourcesOf(folder)
    .filter(({ path }) => !/\/testing\/|-fixture\.ts$/.test(path))
    .flatMap((file) => {
      const named = exportsOf(file).filter(
        ({ name, declaration }) =>
          /^(decode|parse|read)[A-Z]/.test(name) && declaration.type === 'FunctionDeclaration',
      )
      const parses = file.text.includes('JSON.parse(') && named.length === 0 ? [file.path] : []
      return [...named.map(({ name }) => `${file.path}#${name}`), ...parses]
    })
}

describe('every decoder', () => {
  test.each(FOLDERS)('of %s is tried by a property test and the fuzzer', (folder) => {
    const missing = readers(folder).filter(
      (one) => !covered.has(one) && !Object.hasOwn(EXEMPT, one) && !coveredFiles.has(one),
    )
    expect(
      missing,
      'add a target in test/fuzz/targets, or a reason in test/fuzz/exempt.ts',
    ).toEqual([])
  })

  test('that a target names is one, and so is every exception', () => {
    const all = [...covered, ...Object.keys(EXEMPT)].map(
      (one) => one.split('#') as [string, string?],
    )
    const wrong = all.filter(
      ([path, name]) =>
        name !== undefined && !exportsOf(sourceFile(path)).some((one) => one.name === name),
    )
    expect(wrong).toEqual([])
    expect(new Set(TARGETS.map(({ name }) => name)).size).toBe(TARGETS.length)
    expect([...corpus.keys()].filter((name) => !TARGETS.some((one) => one.name === name))).toEqual(
      [],
    )
  })
})

test.each(TARGETS)('$name gives a value or refuses, whatever comes', async (target) => {
  const cases = Math.max(20, CASES_SHORT * Math.min(1, 5 * shareOf(target)))
  const kept = corpus.get(target.name) ?? []
  const values = await checkProperties(target, { cases, seed: 1, corpus: kept })
  expect(values).toBeLessThanOrEqual(cases)
})
