import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const read = (path: string): string => readFileSync(join(root, path), 'utf8')

describe('the API reference', () => {
  test('is what the docstrings and the compiler say', () => {
    const words = [join(root, 'scripts/make-api.mjs'), '--check']
    const { status, stderr } = spawnSync(process.execPath, words)
    expect([status, stderr.toString()]).toEqual([0, ''])
  })

  test.each(readdirSync(join(root, 'packages')))(
    'of %s explains each name that the README lists, with its declaration',
    (folder) => {
      const reference = read(`docs/api/${folder}.md`)
      const listed = [...read(`packages/${folder}/README.md`).matchAll(/^- `(\w+)`/gm)]
      expect(listed.length).toBeGreaterThan(0)
      for (const [, name] of listed) {
        expect(reference, name).toMatch(new RegExp(`^###? ${name}\\n\\n[^]*?^\`\`\`ts\\n`, 'm'))
      }
    },
  )
})
