// Builds everything: `tsc -b`, then the page with vite unless it is up to date.
//
//   node scripts/build.mjs [--no-page]
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const stamp = join(root, 'node_modules/.cache/layerswarm/page.sha256')
const page = join(root, 'apps/web')

/** Runs a tool of node_modules; its own output explains a failure, our line closes it. */
function runTool(packageName, bin, words) {
  let tool
  try {
    tool = join(
      createRequire(join(root, 'package.json')).resolve(`${packageName}/package.json`),
      '..',
      bin,
    )
  } catch {
    fail(`${packageName} is not installed: run \`npm install\``)
  }
  const { status, error } = spawnSync(process.execPath, [tool, ...words], {
    cwd: root,
    // The result of a build is files; stdout stays free for the command that follows it.
    stdio: ['ignore', 2, 2],
  })
  if (error !== undefined) fail(`${packageName} did not start: ${error.message}`)
  if (status !== 0) fail(`${packageName} found errors, listed above`)
}

function fail(message) {
  process.stderr.write(`build: ${message}\n`)
  process.exit(1)
}

/** Names, sizes and times of everything that the page is made of. */
function pageInputs() {
  const hash = createHash('sha256')
  const places = readdirSync(join(root, 'packages')).map((name) => join(root, 'packages', name))
  for (const place of [...places, page]) addFolder(hash, place)
  addFile(hash, join(root, 'package-lock.json'))
  return hash.digest('hex')
}

const MADE = new Set(['dist', 'dist-bundle', 'node_modules'])

function addFolder(hash, folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true }).toSorted((a, b) =>
    a.name < b.name ? -1 : 1,
  )) {
    const path = join(folder, entry.name)
    if (MADE.has(entry.name) || entry.name.endsWith('.tsbuildinfo')) continue
    if (entry.isDirectory()) addFolder(hash, path)
    else addFile(hash, path)
  }
}

function addFile(hash, path) {
  if (!existsSync(path)) return
  const { size, mtimeMs } = statSync(path)
  hash.update(`${relative(root, path)} ${size} ${mtimeMs}\n`)
}

runTool('typescript', 'bin/tsc', ['-b'])

if (!process.argv.includes('--no-page') && existsSync(join(page, 'index.html'))) {
  const inputs = pageInputs()
  const built = existsSync(join(page, 'dist/page/index.html')) && existsSync(stamp)
  if (!built || readFileSync(stamp, 'utf8') !== inputs) {
    runTool('vite', 'bin/vite.js', ['build', 'apps/web', '--logLevel', 'error'])
    mkdirSync(join(stamp, '..'), { recursive: true })
    writeFileSync(stamp, inputs)
  }
}
