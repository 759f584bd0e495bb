import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const read = (path: string): string => readFileSync(join(root, path), 'utf8')
const commandsIn = (text: string): string[] =>
  [...text.matchAll(/^(npx layerswarm [^#\n]*)/gm)].map(([line]) => line.trim())

describe('the README of a package or an app', () => {
  test('says what its sources say', () => {
    const { status, stderr } = spawnSync(
      process.execPath,
      ['scripts/make-readmes.mjs', '--check'],
      { cwd: root, encoding: 'utf8' },
    )
    expect(status, stderr).toBe(0)
  })

  const folders = ['packages', 'apps'].flatMap((top) =>
    readdirSync(join(root, top)).map((name) => `${top}/${name}`),
  )
  test.each(folders)('%s is there, with a paragraph and an example', (folder) => {
    const [note, title, paragraph] = read(`${folder}/README.md`).split('\n\n')
    expect(note).toMatch(/^<!-- Made from src\/(index|main)\.ts/)
    expect(title).toBe(`# ${JSON.parse(read(`${folder}/package.json`)).name}`)
    expect(paragraph?.split(' ').length).toBeGreaterThan(25)
    expect(read(`${folder}/README.md`)).toContain('\n```')
  })

  test('shows commands that the root README shows, which are all run by a test', () => {
    const commands = commandsIn(read('apps/cli/README.md'))
    expect(commands.length).toBeGreaterThan(2)
    for (const command of commands) expect(commandsIn(read('README.md'))).toContain(command)
  })
})

describe('a document', () => {
  const documents = [
    ...readdirSync(root).filter((name) => name.endsWith('.md')),
    ...['docs', 'packages', 'apps', 'examples'].flatMap((top) =>
      readdirSync(join(root, top), { recursive: true, encoding: 'utf8' })
        .filter((name) => name.endsWith('.md') && !/(^|[\\/])(node_modules|dist)[\\/]/.test(name))
        .map((name) => join(top, name)),
    ),
  ]

  test.each(documents)('%s links to what is there', (document) => {
    const links = [...read(document).matchAll(/\]\(([^)#\s]+)/g)].map(([, link = '']) => link)
    for (const link of links.filter((one) => !/^[a-z]+:/.test(one))) {
      expect(existsSync(join(root, dirname(document), link)), `${document}: ${link}`).toBe(true)
    }
  })
})
