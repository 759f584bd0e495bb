// Builds, finds a Chromium and a Firefox, runs the tests. The last line is "N passed, N failed, N skipped".
//
//   node scripts/test.mjs [--unit] [flags and files for vitest]
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  accessSync,
  constants,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
} from 'node:fs'
import { homedir, setPriority, tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const words = process.argv.slice(2)
const unitOnly = words.includes('--unit')
const forVitest = words.filter((word) => word !== '--unit')
/** Below everything that has to be in time. */
const BEHIND_NICENESS = 10

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

/** Runs one of our programs to its end, and gives its exit status. */
function run(words, env) {
  const { status, signal } = spawnSync(process.execPath, words, {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, ...env },
  })
  return signal === null ? status : 1
}

/** One run of vitest over these projects: what it counted, and what it printed if it had to keep quiet. */
async function runProjects(name, projects, { behind = false } = {}) {
  const countsFile = join(countsFolder, `${name}.json`)
  const words = projects.flatMap((project) => ['--project', project])
  const child = spawn(process.execPath, ['node_modules/vitest/vitest.mjs', 'run', ...words], {
    cwd: root,
    stdio: ['inherit', behind ? 'pipe' : 'inherit', behind ? 'pipe' : 'inherit'],
    env: {
      ...process.env,
      ...env,
      LAYERSWARM_TEST_COUNTS: countsFile,
      LAYERSWARM_IS_BUILT: '1',
      ...(behind ? { VITEST_MAX_WORKERS: '1', FORCE_COLOR: process.stdout.isTTY ? '1' : '0' } : {}),
    },
  })
  const said = []
  if (behind) {
    // What it starts inherits this: it computes whenever the others wait, and never makes them wait.
    setPriority(child.pid, BEHIND_NICENESS)
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk) => said.push(chunk))
  }
  const [status] = await once(child, 'close')
  process.stdout.write(Buffer.concat(said))
  const counts = existsSync(countsFile)
    ? JSON.parse(readFileSync(countsFile, 'utf8'))
    : { passed: 0, failed: 1, skipped: 0, failures: [`${name}: no test was counted`] }
  return { ...counts, isGreen: status === 0 }
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

if (unitOnly || forVitest.length > 0) {
  const words = [...(unitOnly ? ['--project', 'unit'] : []), ...forVitest]
  process.exit(run(['node_modules/vitest/vitest.mjs', 'run', ...words], env))
}

const countsFolder = mkdtempSync(join(tmpdir(), 'layerswarm-test-'))
try {
  const unit = await runProjects('unit', ['unit'])
  // Swarms and browsers wait for each other half of their time; the commands compute meanwhile.
  const others = await Promise.all([
    runProjects('system', ['system', 'system-alone']),
    runProjects('commands', ['commands'], { behind: true }),
  ])
  const runs = [unit, ...others]
  const sum = (what) => runs.reduce((total, counts) => total + counts[what], 0)
  for (const failure of runs.flatMap(({ failures }) => failures))
    process.stdout.write(`\nfailed: ${failure}`)
  process.stdout.write(
    `\n\n${sum('passed')} passed, ${sum('failed')} failed, ${sum('skipped')} skipped\n`,
  )
  process.exitCode = runs.every(({ isGreen }) => isGreen) ? 0 : 1
} finally {
  rmSync(countsFolder, { recursive: true, force: true })
}
