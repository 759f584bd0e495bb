import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const read = (path: string): string => readFileSync(join(root, path), 'utf8')
const text = read('CHANGELOG.md')
const KINDS = ['Added', 'Changed', 'Deprecated', 'Removed', 'Fixed', 'Security']

/** The versions that were released, newest first. */
const released = [...text.matchAll(/^## \[(\d+\.\d+\.\d+)\] - \d{4}-\d{2}-\d{2}$/gm)].map(
  ([, version]) => version as string,
)

describe('the changelog', () => {
  test('opens with what is not released yet, then the versions, newest first', () => {
    const headings = text.match(/^## .*$/gm) ?? []
    expect(headings[0]).toBe('## [Unreleased]')
    expect(headings.length).toBe(released.length + 1)
    const byNumber = released.toSorted((a, b) => b.localeCompare(a, 'en', { numeric: true }))
    expect(released).toEqual(byNumber)
  })

  test('groups changes by the kinds of Keep a Changelog, and leaves none empty', () => {
    const sections = text.split(/^(?=### )/m).slice(1)
    expect(sections.length).toBeGreaterThan(1)
    for (const section of sections) {
      expect(KINDS).toContain(/^### (.*)$/m.exec(section)?.[1])
      expect(section).toMatch(/^- \S/m)
    }
  })

  test('has the version of every package', () => {
    const folders = ['packages', 'apps'].flatMap((top) =>
      readdirSync(join(root, top)).map((name) => `${top}/${name}`),
    )
    for (const folder of [...folders, 'examples', 'test']) {
      const { version } = JSON.parse(read(`${folder}/package.json`)) as { version: string }
      expect(version, folder).toBe(released[0])
    }
  })
})
