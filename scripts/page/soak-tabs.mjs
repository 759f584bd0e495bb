// Three tabs of one swarm ask without a pause: does their memory stay flat, does anything reach a console?
//
//   node scripts/page/soak-tabs.mjs [--minutes 30] [--json]
//
// Prints a table for docs/tab-life.md. Exits 1 when a console had an error, a tab stopped answering, or memory grew.
import { parseArgs } from 'node:util'
import { launchBrowser, root, startSwarm, untilSnapshot } from './started.mjs'

const TABS = 3
/** Rows of the table, whatever the time. */
const LOOKS = 10
/** The last third of the time may need this much more than the middle one, as a share and in MB. */
const GROWTH_SHARE_MAX = 0.05
const GROWTH_MB_MAX = 1

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '30' }, json: { type: 'boolean' } },
})
const minutes = Number(values.minutes)
if (!(minutes > 0)) {
  process.stderr.write(`soak-tabs: --minutes takes a number above 0, not "${values.minutes}"\n`)
  process.exit(2)
}

/** Runs in the page before its own scripts: counts connections. */
function countConnections() {
  const seen = { made: 0, all: new Set() }
  window.connections = seen
  window.RTCPeerConnection = class extends window.RTCPeerConnection {
    constructor(...words) {
      super(...words)
      seen.made++
      seen.all.add(this)
      this.addEventListener('connectionstatechange', () => {
        if (this.connectionState === 'closed') seen.all.delete(this)
      })
    }
    close() {
      seen.all.delete(this)
      super.close()
    }
  }
}

/** Runs in the page: presses one sample after the other, each as soon as the one before has its answer. */
function askOn() {
  const tally = { asked: 0, answered: 0, partial: 0, failed: 0 }
  window.tally = tally
  const place = document.querySelector('#answer-place')
  const error = document.querySelector('#run-error')
  const next = () => {
    const samples = document.querySelectorAll('[data-testid="sample"]')
    samples[tally.asked++ % samples.length].click()
  }
  let counted
  const look = () => {
    const card = place.querySelector('[data-testid="answer"][data-label]')
    if (card !== null && card !== counted) {
      counted = card
      tally.answered++
      if (card.dataset.missing !== '0') tally.partial++
    } else if (!error.hidden) tally.failed++
    else return
    setTimeout(next)
  }
  const options = { childList: true, attributes: true, attributeFilter: ['hidden'] }
  new MutationObserver(look).observe(place, options)
  new MutationObserver(look).observe(error, options)
  next()
}

/** Runs in the page. Memory: JavaScript, DOM and WebAssembly of the tab and its workers, after a collection. */
async function look() {
  const { bytes } = await performance.measureUserAgentSpecificMemory()
  return {
    mb: bytes / 1e6,
    made: window.connections.made,
    open: [...window.connections.all].filter((one) => one.connectionState !== 'closed').length,
    ...window.tally,
  }
}

async function openTab(browser, url) {
  const context = await browser.newContext()
  const page = await context.newPage()
  const errors = []
  page.on('pageerror', ({ message }) => errors.push(message))
  page.on('console', (message) => {
    if (message.type() === 'error') errors.push(message.text())
  })
  await page.addInitScript(countConnections)
  await page.goto(`${url}/?capacity=6&autojoin=1`)
  await page.getByTestId('sample').nth(23).waitFor()
  return { page, errors }
}

const swarm = await startSwarm(root, 'signaling')
// Without the second flag a measurement waits for whatever collection comes next.
const browser = await launchBrowser(['--enable-blink-features=ForceEagerMeasureMemory'])
try {
  const tabs = []
  for (let i = 0; i < TABS; i++) tabs.push(await openTab(browser, swarm.url))
  for (const { page } of tabs)
    await untilSnapshot(
      page,
      ({ peers, coverage }) =>
        peers.filter(({ connection }) => connection === 'direct').length === 2 &&
        coverage.every((hosts) => hosts > 0),
    )
  for (const { page } of tabs) await page.evaluate(askOn)
  const beganMs = performance.now()
  const rows = []
  for (let i = 1; i <= LOOKS; i++) {
    const dueMs = beganMs + (i / LOOKS) * minutes * 60_000
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, dueMs - performance.now())))
    const seen = await Promise.all(tabs.map(({ page }) => page.evaluate(look)))
    rows.push({ minute: (performance.now() - beganMs) / 60_000, tabs: seen })
    process.stderr.write(`${line(rows.at(-1))}\n`)
  }
  report(rows, tabs)
} finally {
  await browser.close()
  await swarm.stop()
}

function line({ minute, tabs }) {
  const of = (each) => tabs.map(each).join(' / ')
  return `| ${minute.toFixed(1)} | ${of(({ mb }) => mb.toFixed(1))} | ${of(({ answered }) => answered)} | ${of(({ made, open }) => `${open} of ${made}`)} |`
}

function report(rows, tabs) {
  const last = rows.at(-1).tabs
  const middle = rows.slice(LOOKS / 3, (2 * LOOKS) / 3)
  const end = rows.slice((2 * LOOKS) / 3)
  const growthMb = last.map((_, i) => mean(end, i) - mean(middle, i))
  const problems = [
    ...tabs.flatMap(({ errors }, i) => errors.map((error) => `console of tab ${i}: ${error}`)),
    ...growthMb.flatMap((mb, i) =>
      mb > Math.max(GROWTH_MB_MAX, GROWTH_SHARE_MAX * mean(middle, i))
        ? [`tab ${i} grew by ${mb.toFixed(1)} MB`]
        : [],
    ),
    ...last.flatMap(({ failed }, i) =>
      failed > 0 ? [`tab ${i}: ${failed} without an answer`] : [],
    ),
    ...last.flatMap(({ answered }, i) =>
      answered <= (rows.at(-2)?.tabs[i].answered ?? 0) ? [`tab ${i} stopped answering`] : [],
    ),
  ]
  if (values.json)
    process.stdout.write(`${JSON.stringify({ minutes, rows, growthMb, problems })}\n`)
  else {
    const said = [
      '| minute | memory of each tab, MB | answers | connections open, of all made |',
      '|---|---|---|---|',
      ...rows.map(line),
    ]
    process.stdout.write(`${said.join('\n')}\n`)
  }
  for (const problem of problems) process.stderr.write(`soak-tabs: ${problem}\n`)
  if (problems.length > 0) process.exitCode = 1
}

function mean(rows, tab) {
  return rows.reduce((sum, { tabs }) => sum + tabs[tab].mb, 0) / rows.length
}
