// How long a visitor waits, and how many bytes that costs, beside an earlier build of this repository.
//
//   git clone . ../earlier && (cd ../earlier && git checkout COMMIT && npm ci)
//   node scripts/page/times.mjs ../earlier [--rounds 3] [--json]
//
// Prints a table for docs/page.md: medians, this build's and the earlier one's taken in turns.
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { parseArgs } from 'node:util'
import { launchBrowser, root, startSwarm, untilSnapshot } from './started.mjs'

const ANSWERS = 5

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string', default: '3' }, json: { type: 'boolean' } },
})
const [earlier] = positionals
const rounds = Number(values.rounds)
if (earlier === undefined || !(Number.isInteger(rounds) && rounds > 0)) {
  process.stderr.write('times: names the folder of an earlier build, and --rounds above 0\n')
  process.exit(2)
}

/** Counts what goes to the browser. */
async function startProxy(target) {
  const { hostname, port } = new URL(target)
  const counted = { bytes: 0 }
  const server = createServer((near) => {
    const far = connect(Number(port), hostname)
    for (const socket of [near, far]) socket.on('error', () => socket.destroy())
    far.on('data', (chunk) => {
      counted.bytes += chunk.length
    })
    near.pipe(far)
    far.pipe(near)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    counted,
    stop: () => server.close(),
  }
}

async function openPage(context, url, query = '') {
  const page = await context.newPage()
  await page.goto(`${url}/${query}`)
  await page.getByTestId('sample').nth(5).waitFor()
  return page
}

/** Time in the page from the click on Join until it serves. */
async function join(page) {
  const beganMs = performance.now()
  await page.getByTestId('join').click()
  await untilSnapshot(page, ({ state }) => state === 'serving')
  return performance.now() - beganMs
}

/** From the press on a sample to the finished card, as the page itself sees it. */
function answer(page, index) {
  return page.evaluate(
    (nth) =>
      new Promise((resolve, reject) => {
        const before = document.querySelector('[data-testid="answer"][data-label]')
        const beganMs = performance.now()
        setTimeout(() => reject(new Error('no answer within a minute')), 60_000)
        new MutationObserver((_changes, observer) => {
          const card = document.querySelector('[data-testid="answer"][data-label]')
          if (card === null || card === before) return
          observer.disconnect()
          resolve(performance.now() - beganMs)
        }).observe(document.body, { subtree: true, childList: true, attributes: true })
        document.querySelectorAll('[data-testid="sample"]')[nth].click()
      }),
    index,
  )
}

async function answers(page) {
  // The first pays for what is compiled then.
  await answer(page, 0)
  const times = []
  for (let i = 1; i <= ANSWERS; i++) times.push(await answer(page, i))
  return median(times)
}

/** One visitor of a swarm of so many Node peers. */
async function measure(tree, peers) {
  const swarm =
    peers === 0
      ? await startSwarm(tree, 'signaling')
      : await startSwarm(tree, 'up', '--peers', String(peers))
  const browser = await launchBrowser()
  try {
    const context = await browser.newContext()
    if (peers > 0) {
      const page = await openPage(context, swarm.url, '?capacity=8')
      await join(page)
      await untilSnapshot(
        page,
        (seen) =>
          seen.peers.filter(({ connection }) => connection === 'direct').length === peers &&
          seen.coverage.every((hosts) => hosts > 0),
      )
      return {
        [`a sample to its answer, ${peers} ${peers === 1 ? 'peer' : 'peers'}`]: await answers(page),
      }
    }
    const proxy = await startProxy(swarm.url)
    const page = await openPage(context, proxy.url, '?capacity=8')
    await page.waitForTimeout(2_000)
    const firstBytes = proxy.counted.bytes
    const cold = await join(page)
    await untilSnapshot(page, ({ hostedLayers }) => hostedLayers.length === 8)
    const alone = await answers(page)
    await page.close()
    const before = proxy.counted.bytes
    const again = await openPage(context, proxy.url, '?capacity=8')
    await again.waitForTimeout(2_000)
    const secondBytes = proxy.counted.bytes - before
    const warm = await join(again)
    proxy.stop()
    return {
      'click to serving, first visit': cold,
      'click to serving, second visit': warm,
      'a sample to its answer, alone': alone,
      'kB before joining, first visit': firstBytes / 1000,
      'kB before joining, second visit': secondBytes / 1000,
    }
  } finally {
    await browser.close()
    await swarm.stop()
  }
}

function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b)
  return sorted[Math.floor((sorted.length - 1) / 2)]
}

const seen = { ours: [], reference: [] }
for (let round = 1; round <= rounds; round++)
  for (const peers of [0, 1, 5])
    for (const [whose, tree] of [
      ['ours', root],
      ['reference', earlier],
    ]) {
      const row = await measure(tree, peers)
      seen[whose].push(row)
      process.stderr.write(`round ${round}, ${whose}: ${JSON.stringify(row)}\n`)
    }
const cases = [...new Set(seen.ours.flatMap((row) => Object.keys(row)))]
const of = (whose, name) => median(seen[whose].flatMap((row) => (name in row ? [row[name]] : [])))
const rows = cases.map((name) => ({
  case: name,
  ours: of('ours', name),
  reference: of('reference', name),
  unit: name.startsWith('kB') ? 'kB' : 'ms',
}))
if (values.json) process.stdout.write(`${JSON.stringify({ name: 'page', rounds, rows })}\n`)
else {
  const cell = ({ unit }, value) => `${Math.round(value)} ${unit}`
  const lines = rows.map(
    (row) => `| ${row.case} | ${cell(row, row.ours)} | ${cell(row, row.reference)} |`,
  )
  process.stdout.write(
    `${['| | this build | the earlier one |', '|---|---|---|', ...lines].join('\n')}\n`,
  )
}
