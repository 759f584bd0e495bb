import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import {
  type Manifest,
  manifestBytes,
  parseManifest,
  parseModelSpec,
  releaseId,
  signManifest,
} from '@layerswarm/model'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type RunningSwarm, startService } from '../support/run-command.ts'
import { launchBrowser } from './browser.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const NAMES = 10_000
/** Sample files hold classes as single bytes. */
const LABELS = 250
const SAMPLES = 1_000
/** Samples are shown by chance: it looks until it has seen enough, which takes some hundred looks, and so often at most. */
const LOOKS_MAX = 10_000
/** Labels that must have been seen; each kind of attack is among them. */
const SEEN_MIN = 0.9 * LABELS

/** Each would set window.pwned if any part of the page took text for HTML, script or an address. */
const PAYLOADS = [
  (n: number) => `<img src=x onerror="window.pwned=${n}">`,
  (n: number) => `<script>window.pwned=${n}</script>`,
  (n: number) => `"><svg/onload=window.pwned=${n}>`,
  (n: number) => `' onfocus='window.pwned=${n}' autofocus tabindex='0`,
  (n: number) => `javascript:window.pwned=${n}`,
  (n: number) => `\${window.pwned=${n}}{{constructor.constructor('window.pwned=${n}')()}}`,
  (n: number) => `</title></style></textarea><iframe srcdoc="<script>parent.pwned=${n}</script>">`,
  (n: number) =>
    `\u202e\u0000${n}<math><mi//xlink:href="data:x,<script>window.pwned=${n}</script>">`,
]

function hostile(n: number): string {
  const payload = PAYLOADS[n % PAYLOADS.length] as (n: number) => string
  return payload(n)
}

let browser: Browser
let swarm: RunningSwarm
let context: BrowserContext
let page: Page
beforeAll(async () => {
  browser = await launchBrowser()
  swarm = await startService('signaling', '--port', '0')
  context = await browser.newContext({ serviceWorkers: 'block' })
  page = await context.newPage()
  await serveHostileModel(page)
  await page.addInitScript(() => {
    const seen = window as unknown as { violations: string[] }
    seen.violations = []
    addEventListener('securitypolicyviolation', (event) =>
      seen.violations.push(event.violatedDirective),
    )
  })
  await page.goto(swarm.url)
  await page.getByTestId('sample').first().waitFor()
})
afterAll(async () => {
  await browser?.close()
  await swarm?.end('SIGTERM')
})

/** A well-signed release whose labels are attacks, and samples of every class of it. */
async function serveHostileModel(target: Page): Promise<void> {
  const genuine = parseManifest(await readFile(`${root}/models/fashion-vit/manifest.json`))
  const { publisher: _publisher, signature: _signature, ...unsigned } = genuine
  const manifest: Manifest = signManifest(
    {
      ...unsigned,
      spec: parseModelSpec({ ...unsigned.spec, classes: LABELS }),
      labels: Array.from({ length: LABELS }, (_, n) => hostile(n).replaceAll('\u0000', '')),
    },
    new Uint8Array(32).fill(7),
  )
  const id = releaseId(manifest)
  await target.route('**/bootstrap.json', (route) =>
    route.fulfill({ json: { releases: [{ id, name: manifest.name }] } }),
  )
  await target.route(`**/releases/${id}/manifest.json`, (route) =>
    route.fulfill({ body: Buffer.from(manifestBytes(manifest)) }),
  )
  const labels = Uint8Array.from({ length: SAMPLES }, (_, n) => n % LABELS)
  await target.route('**/samples/labels.idx1-ubyte', (route) =>
    route.fulfill({ body: idx([SAMPLES], labels) }),
  )
  await target.route(/samples\/images\.idx3-ubyte/, (route) =>
    route.fulfill({ body: idx([SAMPLES, 28, 28], new Uint8Array(SAMPLES * 28 * 28)) }),
  )
}

function idx(shape: readonly number[], data: Uint8Array): Buffer {
  const header = Buffer.alloc(4 + 4 * shape.length)
  header.writeUInt32BE(0x0800 | shape.length)
  for (const [axis, size] of shape.entries()) header.writeUInt32BE(size, 4 + 4 * axis)
  return Buffer.concat([header, data])
}

/** What an attack would leave behind. */
async function expectUntouched(): Promise<void> {
  const traces = await page.evaluate(() => {
    const { pwned, violations } = window as unknown as { pwned?: number; violations: string[] }
    return {
      pwned,
      violations,
      foreign: document.querySelectorAll('body :is(script, img, iframe, math, object, embed)')
        .length,
      handlers: document.querySelectorAll('[onerror], [onload], [onfocus], [autofocus]').length,
      links: [...document.querySelectorAll('a')].filter(
        ({ protocol }) => protocol === 'javascript:',
      ).length,
    }
  })
  expect(traces).toEqual({ pwned: undefined, violations: [], foreign: 0, handlers: 0, links: 0 })
}

test('labels that are attacks are shown as they are, and run nothing', async () => {
  const looking = {
    looks: LOOKS_MAX,
    kinds: PAYLOADS.map((_, n) => hostile(n).replaceAll('\u0000', '')),
    seenMin: SEEN_MIN,
  }
  const shown = await page.evaluate(({ looks, kinds, seenMin }) => {
    const labels = new Set<string>()
    const shuffle = document.querySelector<HTMLButtonElement>('#shuffle')
    const isEnough = () =>
      kinds.every((kind) => labels.has(kind)) &&
      [...labels].filter((label) => label.includes('pwned')).length > seenMin
    for (let turn = 0; turn < looks && !isEnough(); turn++) {
      for (const sample of document.querySelectorAll<HTMLElement>('[data-testid="sample"]'))
        labels.add(sample.dataset.label ?? '')
      document.querySelector<HTMLElement>('[data-testid="sample"]')?.click()
      labels.add(document.querySelector('#chosen-caption')?.textContent ?? '')
      shuffle?.click()
    }
    return [...labels]
  }, looking)
  expect(shown).toEqual(expect.arrayContaining(looking.kinds))
  expect(shown.filter((label) => label.includes('pwned')).length).toBeGreaterThan(SEEN_MIN)
  await expectUntouched()
})

test('ten thousand file names that are attacks are shown as they are, and run nothing', async () => {
  const names = Array.from({ length: NAMES }, (_, n) => hostile(n))
  const shown = await page.evaluate(async (wanted) => {
    const place = document.querySelector('#run-error')
    const zone = document.querySelector('#classify')
    if (place === null || zone === null) throw new Error('the page has no place for files')
    let count = 0
    let tags = 0
    const done = new Promise<void>((resolve) => {
      new MutationObserver((records) => {
        const added = records.flatMap(({ addedNodes }) => [...addedNodes])
        const texts = added.filter(({ nodeType }) => nodeType === Node.TEXT_NODE).length
        count += texts
        tags += added.length - texts
        if (count + tags >= wanted.length) resolve()
      }).observe(place, { childList: true, subtree: true })
    })
    // Too large to be read at all: 32 MB are the most, and 10,000 pictures would take minutes.
    const content = new Blob([new Uint8Array(33 << 20)])
    for (const name of wanted) {
      const files = new DataTransfer()
      files.items.add(new File([content], name, { type: 'image/png' }))
      zone.dispatchEvent(new DragEvent('drop', { dataTransfer: files, cancelable: true }))
    }
    await done
    return { count, tags }
  }, names)
  expect(shown).toEqual({ count: NAMES, tags: 0 })
  await expectUntouched()
})
