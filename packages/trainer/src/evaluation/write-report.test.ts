import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { writeResultsPage } from './write-report.ts'

test('a page of results that is made again keeps what other commands have measured', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'layerswarm-results-'))
  try {
    const file = join(folder, 'results.md')
    const nothing = { releases: [], merged: [], mixed: [] }
    await writeResultsPage(file, nothing, 'first command')
    const kept = '\n## Measured by other commands\n\n### Foreign pictures\n\nA table.\n'
    await writeFile(file, `${await readFile(file, 'utf8')}${kept}`)
    await writeResultsPage(file, nothing, 'second command')
    const text = await readFile(file, 'utf8')
    expect(text).toContain('second command')
    expect(text).not.toContain('first command')
    expect(text.endsWith(kept)).toBe(true)
    expect(text.split('## Measured by other commands')).toHaveLength(2)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})
