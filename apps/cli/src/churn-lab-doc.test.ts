import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { aboutSetting, SCENARIOS, SETTING_NAMES, SETTINGS_DEFAULT } from '@layerswarm/lab'
import { expect, test } from 'vitest'

const doc = await readFile(
  fileURLToPath(new URL('../../../docs/churn-lab.md', import.meta.url)),
  'utf8',
)

test("the lab's page lists every scenario, and no other", () => {
  const rows = Object.entries(SCENARIOS).map(([name, { about }]) => `| \`${name}\` | ${about} |`)
  expect(rowsUnder('## Scenarios')).toEqual(rows)
})

test("the lab's page lists every setting with its default, its meaning and its source", () => {
  const rows = SETTING_NAMES.map(
    (name) => `| \`${name}\` | ${SETTINGS_DEFAULT[name]} | ${aboutSetting(name)} |`,
  )
  expect(rowsUnder('## Settings')).toEqual(rows)
})

function rowsUnder(heading: string): string[] {
  const section = doc.slice(doc.indexOf(`\n${heading}\n`)).split(/\n## /)[1] ?? ''
  return section.split('\n').filter((line) => line.startsWith('| `'))
}
