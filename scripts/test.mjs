// Builds, finds a Chromium, runs the tests. The last line is "N passed, N failed, N skipped".
//
//   node scripts/test.mjs [--unit] [flags and files for vitest]
import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync, readdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const words = process.argv.slice(2)
const unitOnly = words.includes('--unit')
const forVitest = words.filter((word) => word !== '--unit')

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** Where Playwright keeps the browsers that it installed itself. */
function playwrightBrowsers() {
  const cache = process.env.PLAYWRIGHT_BROWSERS_PATH ?? join(homedir(), '.cache/ms-playwright')
  if (!existsSync(cache)) return []
  return readdirSync(cache)
    .filter((name) => /^chromium(_headless_shell)?-\d+$/.test(name))
    .flatMap((name) => [
      join(cache, name, 'chrome-linux/chrome'),
      join(cache, name, 'chrome-linux64/chrome'),
      join(cache, name, 'chrome-linux/headless_shell'),
    ])
}

function findChromium() {
  const named = process.env.LAYERSWARM_CHROMIUM
  if (named !== undefined && named !== '') {
    if (isExecutable(named)) return named
    fail(`LAYERSWARM_CHROMIUM is ${named}, which is no program`)
  }
  const onPath = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'].flatMap(
    (name) => (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, name)),
  )
  return ['/usr/bin/chromium', ...onPath, ...playwrightBrowsers()].find(isExecutable)
}

/** Debian's own package; other systems are told what to do. */
function installChromium() {
  const isDebianRoot = existsSync('/etc/debian_version') && process.getuid?.() === 0
  if (!isDebianRoot) return
  note('no Chromium found; installing it with apt-get')
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  for (const step of [
    ['update', '-q'],
    ['install', '-q', '-y', '--no-install-recommends', 'chromium'],
  ]) {
    spawnSync('apt-get', step, { stdio: ['ignore', 2, 2], env })
  }
}

function note(message) {
  process.stderr.write(`test: ${message}\n`)
}

function fail(message) {
  note(message)
  process.exit(1)
}

function run(words, env) {
  const { status, signal } = spawnSync(process.execPath, words, {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, ...env },
  })
  return signal === null ? status : 1
}

let env = {}
if (!unitOnly) {
  if (findChromium() === undefined) installChromium()
  const chromium = findChromium()
  if (chromium === undefined) {
    fail(
      'no Chromium found: install the package "chromium" or set LAYERSWARM_CHROMIUM to one; `npm test -- --unit` runs without',
    )
  }
  env = { LAYERSWARM_CHROMIUM: chromium }
  if (run(['scripts/build.mjs']) !== 0) process.exit(1)
}
process.exitCode = run(
  [
    'node_modules/vitest/vitest.mjs',
    'run',
    ...(unitOnly ? ['--project', 'unit'] : []),
    ...forVitest,
  ],
  env,
)
