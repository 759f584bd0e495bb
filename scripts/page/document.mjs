// Makes the pictures of docs/page.md: what the page itself says to ten questions of a newcomer.
//
//   node scripts/page/document.mjs
//
// Needs a built tree, Chromium, and sharp, which `npm ci` brings along.
import { mkdir, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { launchBrowser, root, startSwarm, untilSnapshot } from './started.mjs'

// It is a dependency of the command line, not of this root.
const sharp = createRequire(join(root, 'apps/cli/package.json'))('sharp')
const folder = join(root, 'docs/screenshots/page')
/** Few, so that all pictures together stay small. */
const COLOURS = 32

const swarm = await startSwarm(root, 'up', '--peers', '3')
const browser = await launchBrowser()
try {
  await mkdir(folder, { recursive: true })
  const context = await browser.newContext({ viewport: { width: 760, height: 900 } })
  const page = await context.newPage()
  await page.goto(`${swarm.url}/?capacity=4`)
  await page.getByTestId('sample').nth(23).waitFor()
  await page.getByText('peers are in this swarm now').waitFor()

  await shoot(page, 'what-is-this', ['.masthead', '.foot'])
  await shoot(page, 'what-do-i-give', ['#promise', '#join-form'])
  await shoot(page, 'is-it-safe', ['#promise'])
  await page.locator('#choices summary').click()
  await shoot(page, 'when-this-tab-helps', ['#choices'])
  await page.locator('#choices summary').click()

  await page.getByTestId('join').click()
  await page.locator('#join-fetching[aria-current="step"]').waitFor()
  await shoot(page, 'why-is-nothing-happening', ['.masthead', '#join-progress', '#join-form'])
  await untilSnapshot(page, ({ state, coverage }) => state === 'serving' && coverage.every(Boolean))

  await page.getByTestId('orders').selectOption('4')
  await page.getByTestId('sample').nth(8).click()
  await page.locator('[data-testid="answer"][data-label]').waitFor()
  await shoot(page, 'what-do-i-get', ['.run'])
  await shoot(page, 'how-sure-is-it', ['.answer', '#bars'])
  await page.getByTestId('orders').selectOption('1')
  for (let sample = 0; sample < 16; sample++) {
    await page.getByTestId('sample').nth(sample).click()
    await page.locator('[data-testid="answer"][data-label]').waitFor()
  }
  await page.waitForTimeout(1_000)
  await shoot(page, 'who-saw-my-picture', ['#hops-title', '#hops'])
  await shoot(page, 'did-i-help', ['#tab-facts'])
  await shoot(page, 'how-do-i-stop-it', ['#join-form'])
  await page.locator('#share summary').click()
  await page.locator('#share-code').waitFor()
  await shoot(page, 'how-do-i-bring-a-friend', ['#share'])
  await page.getByTestId('leave').click()
  await page.getByText('Thank you. This visit:').waitFor()
  await shoot(page, 'thanks', ['#thanks', '#record'])
} finally {
  await browser.close()
  await swarm.stop()
}

/** One picture of the parts of the page that selectors find, below one another as they stand there. */
async function shoot(page, name, selectors) {
  const boxes = []
  for (const selector of selectors) {
    const box = await page.locator(selector).first().boundingBox()
    if (box !== null) boxes.push({ ...box, png: await page.locator(selector).first().screenshot() })
  }
  const width = Math.ceil(Math.max(...boxes.map((box) => box.width)))
  let top = 0
  const parts = []
  for (const { png } of boxes) {
    const { height } = await sharp(png).metadata()
    parts.push({ input: png, left: 0, top })
    top += height
  }
  const ground = { width, height: top, channels: 3, background: '#fff' }
  const png = await sharp({ create: ground })
    .composite(parts)
    .png({ palette: true, colours: COLOURS, effort: 10 })
    .toBuffer()
  await writeFile(join(folder, `${name}.png`), png)
  process.stderr.write(`${name}: ${(png.length / 1000).toFixed(0)} kB\n`)
}
