import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { grayPng } from '../support/pictures.ts'
import { type RunningSwarm, startSwarm } from '../support/run-command.ts'
import { launchBrowser } from './browser.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const BUNDLE = join(root, 'packages/peer/dist/bundle/browser')
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.wasm': 'application/wasm',
}
const ANSWER = /^[A-Z][\w/ -]*, \d+\.\d %$/

let scratch = ''
let swarm: RunningSwarm
let browser: Browser
const servers: Server[] = []

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'layerswarm-embedding-'))
  await writeFile(join(scratch, 'photo.png'), await grayPng())
  swarm = await startSwarm('--peers', '1', '--port', '0')
  browser = await launchBrowser()
})
afterAll(async () => {
  await browser?.close()
  for (const server of servers) server.close()
  await swarm?.end('SIGTERM')
  await rm(scratch, { recursive: true, force: true })
})

/** Serves a folder as any host of static files would, but for the address of the swarm. */
async function serve(folder: string, beside: Readonly<Record<string, string>>): Promise<string> {
  const server = createServer(async (request, response) => {
    const path = new URL(request.url ?? '/', 'http://localhost').pathname
    const [first = ''] = path.split('/').slice(1)
    const other = beside[first]
    const name = path === '/' ? '/index.html' : path
    const file =
      other === undefined ? join(folder, name) : join(other, path.slice(first.length + 1))
    const bytes = await readFile(file).catch(() => undefined)
    response.writeHead(bytes === undefined ? 404 : 200, {
      'content-type': TYPES[extname(file)] ?? 'application/octet-stream',
    })
    const isText = bytes !== undefined && /\.(html|js)$/.test(file)
    response.end(isText ? String(bytes).replaceAll('http://127.0.0.1:9000', swarm.url) : bytes)
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/`
}

/** Opens a page and notes what goes wrong in it. */
async function open(url: string): Promise<{ page: Page; errors: string[] }> {
  const page = await browser.newPage()
  const errors: string[] = []
  page.on('pageerror', (error) => errors.push(error.message))
  page.on('console', (message) => {
    // The page has no icon, and a browser asks for one.
    if (message.type() === 'error' && !message.location().url.endsWith('/favicon.ico')) {
      errors.push(message.text())
    }
  })
  await page.goto(url)
  return { page, errors }
}

describe('the page with a script tag', () => {
  let page: Page
  let errors: string[]
  beforeAll(async () => {
    const url = await serve(join(root, 'examples/script-tag'), { layerswarm: BUNDLE })
    ;({ page, errors } = await open(url))
  })
  afterAll(() => page?.close())

  test('joins, hosts layers and says so', async () => {
    const text = page.locator('layer-swarm span')
    await expect
      .poll(() => text.textContent(), { timeout: 60_000 })
      .toMatch(/^serving: 2 layers here, 1 other, \d+ hops run$/)
    expect(await page.locator('layer-swarm').getAttribute('state')).toBe('serving')
  })

  test('classifies a picture that a visitor picks, and tells of it', async () => {
    const told = page.evaluate(
      () =>
        new Promise((resolve) => {
          const note = (event: Event) => resolve((event as CustomEvent).detail.label)
          document.addEventListener('swarm-answer', note, { once: true })
        }),
    )
    await page.locator('input').setInputFiles(join(scratch, 'photo.png'))
    const output = page.locator('output')
    await expect.poll(() => output.textContent(), { timeout: 60_000 }).toMatch(ANSWER)
    expect(await output.textContent()).toContain(await told)
  })

  test('pauses and resumes at the press of its button', async () => {
    const element = page.locator('layer-swarm')
    await element.locator('button').click()
    await expect.poll(() => element.getAttribute('state')).toBe('paused')
    await element.locator('button').click()
    await expect.poll(() => element.getAttribute('state')).toBe('serving')
  })

  test('says what keeps it from joining, and joins when told another address', async () => {
    const element = page.locator('layer-swarm')
    const told = page.evaluate(
      () =>
        new Promise((resolve) => {
          const note = (event: Event) => resolve((event as CustomEvent).detail.message)
          document.addEventListener('swarm-error', note, { once: true })
        }),
    )
    await element.evaluate((one) => one.setAttribute('join', 'ftp://127.0.0.1'))
    expect(await told).toContain('is not a URL to join')
    const line = element.locator('span')
    for (const [name, value, words] of [
      ['join', 'http://', '"http://" is not a URL to join'],
      ['join', 'http://user:secret@127.0.0.1/', 'no user or password'],
      ['serve', '99', 'layer 99 does not exist'],
    ] as const) {
      if (name === 'serve')
        await element.evaluate((one, url) => one.setAttribute('join', url), swarm.url)
      await element.evaluate((one, [key, text]) => one.setAttribute(key, text), [
        name,
        value,
      ] as const)
      await expect.poll(() => line.textContent(), { timeout: 60_000 }).toContain(words)
    }
    // Left empty it lends nothing.
    await element.evaluate((one) => one.setAttribute('serve', ''))
    await expect.poll(() => line.textContent(), { timeout: 60_000 }).toMatch(/^in the swarm with/)
    await element.evaluate((one) => one.setAttribute('serve', 'auto'))
    await element.evaluate((one, url) => one.setAttribute('join', url), swarm.url)
    await expect.poll(() => element.getAttribute('state'), { timeout: 60_000 }).toBe('serving')
  })

  test('says which attribute cannot be read, instead of hosting what nobody asked for', async () => {
    const element = page.locator('layer-swarm')
    const text = element.locator('span')
    const attributes = { serve: ['yes', '2,,5', '99'], capacity: ['', 'two'] }
    for (const [name, values] of Object.entries(attributes)) {
      for (const value of values) {
        await element.evaluate((one, [key, to]) => one.setAttribute(key, to), [
          name,
          value,
        ] as const)
        const about = value === '99' ? /^layer 99 does not exist/ : `${name} must be`
        await expect.poll(() => text.textContent(), { timeout: 30_000 }).toMatch(about)
        expect(await element.getAttribute('state')).toBe('offline')
      }
      await element.evaluate((one, key) => one.removeAttribute(key), name)
    }
    await element.evaluate((one) => one.setAttribute('serve', 'auto'))
    await expect.poll(() => element.getAttribute('state'), { timeout: 60_000 }).toBe('serving')
  })

  test('leaves when the element is taken out, without an error so far', async () => {
    const left = await page.evaluate(async () => {
      const element = document.querySelector('layer-swarm')
      const peer = (element as unknown as { peer: { snapshot(): { state: string } } }).peer
      element?.remove()
      while (peer.snapshot().state !== 'offline') await new Promise((go) => setTimeout(go, 50))
      return element?.getAttribute('state')
    })
    expect(left).toBe('offline')
    expect(errors).toEqual([])
  })
})

test('the page of vite is built and gets its answer', async () => {
  const out = join(scratch, 'vite-page')
  const vite = join(root, 'node_modules/vite/bin/vite.js')
  const words = [vite, 'build', 'examples/vite-page', '--outDir', out, '--logLevel', 'error']
  await promisify(execFile)(process.execPath, words, { cwd: root })
  const { page, errors } = await open(await serve(out, {}))
  const output = page.locator('output')
  await expect.poll(() => output.textContent(), { timeout: 60_000 }).toMatch(ANSWER)
  expect(errors).toEqual([])
  await page.close()
})
