// Builds everything: `tsc -b`, then the bundles of packages and the page unless they are up to date.
//
//   node scripts/build.mjs [--no-page]
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const stamps = join(root, 'node_modules/.cache/layerswarm')
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

/** Names, sizes and times of everything that the bundles, and the page with them, are made of. */
function inputsOf(folders, files) {
  const hash = createHash('sha256')
  for (const folder of folders) addFolder(hash, folder)
  for (const file of files) addFile(hash, join(root, file))
  return hash.digest('hex')
}

/** Does a step unless it was done for the same inputs and its result is there. */
function unlessDone(name, result, inputs, step) {
  const stamp = join(stamps, `${name}.sha256`)
  const done = existsSync(result) && existsSync(stamp) && readFileSync(stamp, 'utf8') === inputs
  if (done) return
  step()
  mkdirSync(stamps, { recursive: true })
  writeFileSync(stamp, inputs)
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

const packages = readdirSync(join(root, 'packages')).map((name) => join(root, 'packages', name))

const bundled = inputsOf(packages, ['package-lock.json', 'scripts/bundle.mjs'])
unlessDone('bundles', join(root, 'packages/signaling/dist/bundle/index.js'), bundled, () => {
  const script = join(root, 'scripts/bundle.mjs')
  const { status } = spawnSync(process.execPath, [script], { cwd: root, stdio: ['ignore', 2, 2] })
  if (status !== 0) fail('the packages were not bundled, for the reason above')
})

if (!process.argv.includes('--no-page') && existsSync(join(page, 'index.html'))) {
  const inputs = inputsOf([...packages, page], ['package-lock.json'])
  unlessDone('page', join(page, 'dist/page/index.html'), inputs, () =>
    runTool('vite', 'bin/vite.js', ['build', 'apps/web', '--logLevel', 'error']),
  )
}
