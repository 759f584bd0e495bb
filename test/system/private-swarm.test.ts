import { type ChildProcess, execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { createServer } from 'node:http'
import { type AddressInfo, createServer as createSocketServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RunningSwarm, runCommand, startCommand, startSwarm } from '../support/run-command.ts'
import { classifySample, launchBrowser, openTab } from './browser.ts'

const LAYERS = 8
const root = fileURLToPath(new URL('../..', import.meta.url))

let scratch = ''
let file = ''
let swarm: RunningSwarm
let browser: Browser
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'layerswarm-private-'))
  file = join(scratch, 'kept', 'swarm.key')
  browser = await launchBrowser()
  swarm = await startSwarm('--swarm-key', file, '--peers', '2', '--port', '0')
})
afterAll(async () => {
  await browser?.close()
  await swarm?.end('SIGTERM')
  await rm(scratch, { recursive: true, force: true })
})

/** Waits until a process has written this to stderr. */
function said({ stderr }: ChildProcess, words: string): Promise<void> {
  return new Promise((resolve) => {
    let text = ''
    stderr?.on('data', (chunk) => {
      text += chunk
      if (text.includes(words)) resolve()
    })
  })
}

async function freePort(): Promise<number> {
  const server = createSocketServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await new Promise((closed) => server.close(closed))
  return port
}

/** What a bare libp2p client gets at an address, with a key and without. */
async function knock(address: string, release: string, keyFile?: string) {
  const words = [join(root, 'packages/peer/scripts/knock.mjs'), address, keyFile ?? []].flat()
  const { stdout } = await promisify(execFile)(process.execPath, words, {
    env: { ...process.env, RELEASE: release },
  })
  return JSON.parse(stdout)
}

const keyIn = (link: string) => link.split('#key=')[1] ?? ''

/** Asks for two samples. */
async function ask(...how: string[]) {
  const { code, stdout, stderr } = await runCommand('classify', '--samples', '2', '--json', ...how)
  return { code, stderr, said: JSON.parse(stdout) }
}

describe('a private swarm of processes', () => {
  test('has its key in a file that only its owner reads, and on no command line', async () => {
    expect((await readFile(file, 'utf8')).trim()).toBe(keyIn(swarm.link))
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect(swarm.volunteers).toHaveLength(2)
    for (const pid of swarm.volunteers) {
      const line = await readFile(`/proc/${pid}/cmdline`, 'utf8')
      expect(line).toContain('--swarm-key')
      expect(line).not.toContain(keyIn(swarm.link))
    }
  })

  test('answers who has its link, or its key', async () => {
    for (const how of [
      ['--join', swarm.link],
      ['--join', swarm.url, '--swarm-key', file],
    ])
      expect(await ask(...how)).toMatchObject({ code: 0, said: { answered: 2 } })
  })

  test.each([
    [
      'no key',
      (url: string) => url,
      'private-swarm',
      'this swarm is private: ask its host for the link with the key',
    ],
    [
      'another key',
      (url: string) => `${url}/#key=${randomBytes(32).toString('base64url')}`,
      'bad-swarm-key',
      'ask its host for the present link',
    ],
  ])('tells who has %s in one line, and gives nothing', async (_, link, code, words) => {
    const { said, stderr, code: exit } = await ask('--join', link(swarm.url))
    expect(exit).toBe(1)
    expect(said.error.code).toBe(code)
    expect(said.error.message).toContain(words)
    expect(stderr.trim().split('\n').at(-1)).toContain(words)
  })

  test('gives a bare libp2p client not even a connection, at the server and at a volunteer', async () => {
    const { peerId, releases } = await (await fetch(`${swarm.url}/bootstrap.json`)).json()
    const port = await freePort()
    const words = ['peer', '--join', swarm.url, '--swarm-key', file, '--port', String(port)]
    const volunteer = startCommand(...words)
    try {
      await said(volunteer, 'serving:')
      for (const place of [
        `/ip4/127.0.0.1/tcp/${new URL(swarm.url).port}/ws/p2p/${peerId}`,
        `/ip4/127.0.0.1/tcp/${port}/ws`,
      ]) {
        const { id } = releases[0]
        const [member, outsider] = await Promise.all([knock(place, id, file), knock(place, id)])
        expect(member).toMatchObject({ connections: 1, neighbours: 1 })
        expect(member.messages).toBeGreaterThan(0)
        const nothing = { connections: 0, streams: 0, neighbours: 0, circuits: 0, messages: 0 }
        expect(outsider).toEqual(nothing)
      }
    } finally {
      volunteer.kill('SIGTERM')
      if (volunteer.exitCode === null) await once(volunteer, 'exit')
    }
  })
})

describe('a tab', () => {
  test('that was opened with the link joins, asks, and shows its key nowhere but to whom it invites', async () => {
    const key = keyIn(swarm.link)
    const tab = await openTab(browser, swarm.url, `layers=none#key=${key}`)
    const asked: string[] = []
    tab.page.on('request', (request) => asked.push(request.url()))
    try {
      expect(tab.page.url()).toBe(`${swarm.url}/?layers=none`)
      await tab.page.getByTestId('join').click()
      await tab.until(
        'it sees all layers',
        ({ coverage }) => coverage.length === LAYERS && coverage.every((hosts) => hosts > 0),
      )
      expect(await classifySample(tab, 0)).toMatchObject({ hops: LAYERS, missing: 0 })
      await tab.page.locator('#share summary').click()
      expect(await tab.page.getByTestId('share-link').textContent()).toBe(
        `${swarm.url}/#key=${key}`,
      )
      // A reload finds it again.
      await tab.page.reload()
      await tab.page.getByTestId('join').click()
      await tab.until('it is in the swarm again', ({ peers }) => peers.length >= 2)
      for (const url of asked) expect(url).not.toContain(key)
      expect(tab.errors.join()).not.toContain(key)
    } finally {
      await tab.context.close()
    }
  })

  test('meets another one over WebRTC, which has no handshake of its own', async () => {
    const key = keyIn(swarm.link)
    const tabs = [
      await openTab(browser, swarm.url, `layers=0,1,2,3#key=${key}`),
      await openTab(browser, swarm.url, `layers=4,5,6,7#key=${key}`),
    ]
    try {
      for (const { page } of tabs) await page.getByTestId('join').click()
      for (const tab of tabs) await tab.until('it has a name', ({ peerId }) => peerId !== undefined)
      const names = await Promise.all(tabs.map(async (tab) => (await tab.snapshot()).peerId))
      for (const [index, tab] of tabs.entries())
        await tab.until('it has met the other tab', ({ peers }) =>
          peers.some(
            ({ id, transport, connection }) =>
              id === names[1 - index] && transport === 'webrtc' && connection === 'direct',
          ),
        )
    } finally {
      await Promise.all(tabs.map(({ context }) => context.close()))
    }
  })

  test('without it says why it cannot join, and joins once the link is opened in it', async () => {
    const tab = await openTab(browser, swarm.url, 'layers=none')
    try {
      await tab.page.getByTestId('join').click()
      await tab.page.getByText('this swarm is private: ask its host for the link').first().waitFor()
      expect((await tab.snapshot()).peers).toEqual([])
      await tab.page.evaluate((hash) => void location.assign(hash), `#key=${keyIn(swarm.link)}`)
      await tab.page.waitForURL((url) => url.hash === '')
      await tab.page.getByTestId('join').click()
      await tab.until('it is in the swarm', ({ peers }) => peers.length >= 2)
    } finally {
      await tab.context.close()
    }
  })

  test('with the element of another page joins by the link in its attribute', async () => {
    const html = `<!doctype html><meta charset="utf-8" /><link rel="icon" href="data:," />
      <script type="module" src="/layerswarm.js"></script>
      <layer-swarm join="${swarm.link}"></layer-swarm>`
    const host = createServer(async ({ url = '/' }, response) => {
      const isPage = url === '/'
      const bytes = isPage
        ? html
        : await readFile(join(root, 'packages/peer/dist/bundle/browser', url)).catch(() => '')
      const type = isPage
        ? 'text/html'
        : url.endsWith('.js')
          ? 'text/javascript'
          : 'application/wasm'
      response.writeHead(200, { 'content-type': type }).end(bytes)
    }).listen(0, '127.0.0.1')
    await once(host, 'listening')
    const page = await browser.newPage()
    try {
      await page.goto(`http://127.0.0.1:${(host.address() as AddressInfo).port}/`)
      await page.getByText(/^in the swarm with [2-9]/).waitFor({ timeout: 60_000 })
    } finally {
      await page.close()
      host.closeAllConnections()
      host.close()
    }
  })
})
