// Builds, finds a Chromium and a Firefox, runs the tests. The last line is "N passed, N failed, N skipped".
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

/** The program that a variable names, or the first of these that is there. */
function findProgram(variable, places) {
  const named = process.env[variable]
  if (named === undefined || named === '') return places().find(isExecutable)
  if (isExecutable(named)) return named
  fail(`${variable} is ${named}, which is no program`)
}

function onPath(...names) {
  const folders = (process.env.PATH ?? '').split(delimiter)
  return names.flatMap((name) => folders.map((folder) => join(folder, name)))
}

function findChromium() {
  return findProgram('LAYERSWARM_CHROMIUM', () => [
    '/usr/bin/chromium',
    ...onPath('chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'),
    ...playwrightBrowsers(),
  ])
}

function findFirefox() {
  return findProgram('LAYERSWARM_FIREFOX', () => [
    '/usr/bin/firefox-esr',
    ...onPath('firefox-esr', 'firefox'),
  ])
}

/** Debian's own packages; other systems are told what to do. */
function install(packages) {
  const isDebianRoot = existsSync('/etc/debian_version') && process.getuid?.() === 0
  if (!isDebianRoot || packages.length === 0) return
  note(`installing ${packages.join(' and ')} with apt-get`)
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  for (const step of [
    ['update', '-q'],
    ['install', '-q', '-y', '--no-install-recommends', ...packages],
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
  install([
    ...(findChromium() === undefined ? ['chromium'] : []),
    ...(findFirefox() === undefined ? ['firefox-esr'] : []),
  ])
  const chromium = findChromium()
  if (chromium === undefined) {
    fail(
      'no Chromium found: install the package "chromium" or set LAYERSWARM_CHROMIUM to one; `npm test -- --unit` runs without',
    )
  }
  const firefox = findFirefox()
  env = { LAYERSWARM_CHROMIUM: chromium, LAYERSWARM_FIREFOX: firefox ?? '' }
  if (firefox === undefined) {
    note(
      'no Firefox found, so its tests are skipped: install the package "firefox-esr" or set LAYERSWARM_FIREFOX to one',
    )
  }
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
