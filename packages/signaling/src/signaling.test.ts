import { cp, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { request as httpsRequest } from 'node:https'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Manifest, manifestBytes, releaseId } from '@layerswarm/model'
import { PROTOCOL_VERSION } from '@layerswarm/swarm'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { makeCertificate } from './certificate.ts'
import { SignalingError } from './errors.ts'
import { formatLog, type LogEntry } from './log.ts'
import type { SignalingOptions } from './options.ts'
import { writeRelease } from './release-fixture.ts'
import { partPath } from './releases.ts'
import { createSignaling, type Signaling, type SignalingEvent } from './signaling.ts'

/** Lines of /metrics that are not ours, with nobody there: about 120. */
const OTHER_SERIES_MAX = 250

let root: string
let model: string
let manifest: Manifest
const log: LogEntry[] = []
const started: Signaling[] = []

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'layerswarm-signaling-'))
  model = join(root, 'tiny')
  manifest = await writeRelease(model, 'tiny')
})

afterEach(async () => {
  await Promise.all(started.splice(0).map((signaling) => signaling.stop()))
  log.length = 0
})

afterAll(() => rm(root, { recursive: true }))

function create(options: Partial<SignalingOptions> = {}): Signaling {
  const record = (entry: LogEntry) => void log.push(entry)
  const signaling = createSignaling({ port: 0, modelDirs: [model], log: record, ...options })
  started.push(signaling)
  return signaling
}

async function fault(signaling: Signaling): Promise<SignalingError> {
  const error: unknown = await signaling.start().then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof SignalingError)) throw new Error(`no SignalingError but ${String(error)}`)
  expect(error.message).not.toContain('\n')
  return error
}

/** A release folder with something wrong with it. */
async function broken(name: string, harm: (dir: string) => Promise<void>): Promise<string> {
  const dir = join(root, name)
  await cp(model, dir, { recursive: true })
  await harm(dir)
  return dir
}

/** The status that a server answers whose certificate is trusted. */
function tlsStatus(url: string, ca: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const request = httpsRequest(url, { ca, agent: false }, (response) => {
      response.resume()
      resolve(response.statusCode)
    })
    request.once('error', reject).end()
  })
}

/**
 * Reads Prometheus text: sample with labels → value. Throws for a line that is none, and for a metric
 * that is described twice.
 */
function parseMetrics(text: string): Map<string, number> {
  const samples = new Map<string, number>()
  const described = new Set<string>()
  expect(text.endsWith('\n')).toBe(true)
  for (const line of text.trimEnd().split('\n')) {
    // Prometheus passes over empty lines.
    if (line === '') continue
    const [, description] = /^# ((?:HELP|TYPE) \w+) .+$/.exec(line) ?? []
    if (description !== undefined) {
      expect(described.has(description), line).toBe(false)
      described.add(description)
      continue
    }
    const number = '-?\\d+(?:\\.\\d+)?(?:e[-+]?\\d+)?|Nan'
    const found = new RegExp(
      `^((?:layerswarm|libp2p|process|nodejs)_\\w+(?:\\{(?:\\w+="[^"\\n]*",?)+\\})?) (${number})$`,
    ).exec(line)
    if (found?.[1] === undefined) throw new Error(`not a metric: ${line}`)
    expect(samples.has(found[1]), line).toBe(false)
    samples.set(found[1], Number(found[2]))
  }
  return samples
}

describe('a signaling server', { timeout: 30_000 }, () => {
  test('is ready with the release, the addresses and the publisher that newcomers need', async () => {
    const ready = await create().start()
    const id = releaseId(manifest)
    const bootstrap: unknown = await (await fetch(`${ready.url}/bootstrap.json`)).json()
    expect(bootstrap).toEqual({
      protocol: PROTOCOL_VERSION,
      peerId: ready.peerId,
      addresses: [],
      iceServers: [],
      others: [],
      releases: [{ id, name: 'tiny', publisher: manifest.publisher, lanes: [] }],
    })
    const served = await fetch(`${ready.url}/releases/${id}/manifest.json`)
    expect(new Uint8Array(await served.arrayBuffer())).toEqual(manifestBytes(manifest))
    expect((await fetch(`${ready.url}/readyz`)).status).toBe(200)
  })

  test('tells newcomers the addresses that it was given to announce, and no other', async () => {
    const announce = ['/dns4/swarm.example/tcp/4001']
    const { addresses, peerId } = await create({ announce, tcpPort: 0 }).start()
    expect(addresses).toEqual([`/dns4/swarm.example/tcp/4001/p2p/${peerId}`])
  })

  test('tells peers the STUN and TURN servers that it was given', async () => {
    const iceServers = [
      { urls: 'stun:stun.example:3478' },
      { urls: 'turn:turn.example', username: 'user', credential: 'secret' },
    ]
    const { url } = await create({ iceServers }).start()
    const bootstrap = await (await fetch(`${url}/bootstrap.json`)).json()
    expect(bootstrap).toMatchObject({ iceServers })
    const wrong = await fault(create({ iceServers: [{ urls: 'http://stun.example' }] }))
    expect(wrong.fault).toEqual({ code: 'bad-option', option: 'iceServers' })
    const many = Array.from({ length: 5 }, () => ({ urls: 'stun:stun.example' }))
    expect((await fault(create({ iceServers: many }))).message).toContain('4 at most')
  })

  test('invites to its public URL who looks from its own machine, and tells nobody else', async () => {
    const announce = ['https://swarm.example/swarm/', '/dns4/swarm.example/tcp/9002']
    const ready = await create({ announce }).start()
    expect(ready.publicUrls).toEqual(['https://swarm.example/swarm'])
    expect(ready.addresses).toEqual([`/dns4/swarm.example/tcp/9002/p2p/${ready.peerId}`])
    expect(await (await fetch(`${ready.url}/bootstrap.json`)).json()).toMatchObject({
      invite: 'https://swarm.example/swarm',
    })
    const headers = { 'x-forwarded-for': '192.0.2.1' }
    const elsewhere = await fetch(`${ready.url}/bootstrap.json`, { headers })
    expect(await elsewhere.json()).not.toHaveProperty('invite')
  })

  test('cuts nobody but a client that resets its WebSocket while it opens, and goes on', async () => {
    const { url, port } = await create().start()
    const handshake = [
      'GET /ws HTTP/1.1',
      'Host: x',
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
      'Sec-WebSocket-Version: 13',
      '\r\n',
    ].join('\r\n')
    const resets = Array.from(
      { length: 50 },
      () =>
        new Promise<void>((resolve) => {
          const socket = connect(port, '127.0.0.1', () => {
            socket.write(handshake)
            setImmediate(() => socket.resetAndDestroy())
          })
          socket.on('error', () => {}).once('close', () => resolve())
        }),
    )
    await Promise.all(resets)
    expect((await fetch(`${url}/readyz`)).status).toBe(200)
  })

  test('speaks TLS when it has a certificate, and plain http to this machine if asked', async () => {
    const tls = await makeCertificate(['127.0.0.1'])
    const { url, innerUrl, publicUrls } = await create({ tls, inner: true }).start()
    expect(url).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/)
    expect(publicUrls).toEqual([])
    expect(await tlsStatus(`${url}/readyz`, tls.cert)).toBe(200)
    await expect(fetch(url.replace('https', 'http'))).rejects.toThrow()
    expect((await fetch(`${innerUrl}/readyz`)).status).toBe(200)
    const samples = parseMetrics(await (await fetch(`${innerUrl}/metrics`)).text())
    expect(samples.get('layerswarm_http_requests_total{route="readyz",status="200"}')).toBe(2)
  })

  test('keeps its metrics for its own machine, or for a token', async () => {
    const ask = async (url: string, headers: Record<string, string>) =>
      (await fetch(`${url}/metrics`, { headers })).status
    const { url } = await create({ metricsFor: 'here' }).start()
    expect(await ask(url, {})).toBe(200)
    expect(await ask(url, { 'x-forwarded-for': '192.0.2.1' })).toBe(403)
    const token = 'a-token-of-metrics'
    const closed = await create({ metricsFor: { token } }).start()
    expect(await ask(closed.url, {})).toBe(401)
    expect(await ask(closed.url, { authorization: 'Bearer another' })).toBe(401)
    expect(await ask(closed.url, { authorization: `Bearer ${token}` })).toBe(200)
  })

  test('tells Prometheus about itself', async () => {
    const { url } = await create({ version: '1.2.3' }).start()
    await fetch(`${url}/healthz`)
    await fetch(`${url}/nothing`)
    const samples = parseMetrics(await (await fetch(`${url}/metrics`)).text())
    const id = releaseId(manifest)
    expect(Object.fromEntries(samples)).toMatchObject({
      'layerswarm_info{version="1.2.3"}': 1,
      layerswarm_ready: 1,
      'layerswarm_connections{transport="websocket"}': 0,
      layerswarm_reservations: 0,
      layerswarm_relayed_bytes_total: 0,
      [`layerswarm_layer_hosts{release="${id}",name="tiny",layer="1"}`]: 0,
      'layerswarm_gossip_messages_total{topic="presence",result="malformed"}': 0,
      'layerswarm_http_requests_total{route="healthz",status="200"}': 1,
      'layerswarm_http_requests_total{route="page",status="404"}': 1,
    })
    // What libp2p and prom-client know beside that, without a label whose values grow with the swarm.
    const others = [...samples.keys()].filter((name) => !name.startsWith('layerswarm_'))
    expect(others).toContain('process_resident_memory_bytes')
    expect(others).toContain('nodejs_fs_usage_bytes{filesystem="available"}')
    expect(others.some((name) => name.startsWith('libp2p_'))).toBe(true)
    expect(others.length).toBeLessThan(OTHER_SERIES_MAX)
  })

  test('makes its metrics anew once a second, however many ask', async () => {
    const { url } = await create().start()
    const ask = async () => (await fetch(`${url}/metrics`)).text()
    const [one, ...others] = await Promise.all([ask(), ask(), ask()])
    for (const other of others) expect(other).toBe(one)
    await vi.waitFor(async () => expect(await ask()).not.toBe(one), { timeout: 5_000 })
  })

  test('tells of several servers in one process, of each by itself', async () => {
    const one = await create({ version: '1.0.0' }).start()
    const two = await create({ version: '2.0.0' }).start()
    for (const [{ url }, version] of [[one, '1.0.0'] as const, [two, '2.0.0'] as const]) {
      const samples = parseMetrics(await (await fetch(`${url}/metrics`)).text())
      expect(samples.get(`layerswarm_info{version="${version}"}`)).toBe(1)
      expect(samples.has('process_resident_memory_bytes')).toBe(true)
    }
  })

  test('has one snapshot, which can be cloned, before, during and after', async () => {
    const signaling = create()
    expect(signaling.snapshot()).toMatchObject({ state: 'stopped', url: '' })
    const { url, peerId } = await signaling.start()
    const running = signaling.snapshot()
    expect(running).toMatchObject({ state: 'ready', reason: '', url, peerId })
    expect(structuredClone(running)).toEqual(running)
    await signaling.stop()
    expect(signaling.snapshot().state).toBe('stopped')
  })

  test('keeps its peer id in its folder, readable by nobody else, and starts again', async () => {
    const dataDir = join(root, 'data')
    const first = create({ dataDir })
    const { peerId } = await first.start()
    await first.stop()
    expect((await first.start()).peerId).toBe(peerId)
    expect((await create({ dataDir }).start()).peerId).toBe(peerId)
    expect((await create().start()).peerId).not.toBe(peerId)
    expect((await stat(join(dataDir, 'identity.key'))).mode & 0o077).toBe(0)
  })

  test('refuses a damaged identity instead of replacing it', async () => {
    const dataDir = join(root, 'damaged')
    await cp(model, dataDir, { recursive: true })
    await writeFile(join(dataDir, 'identity.key'), 'not a key')
    const { code, message } = await fault(create({ dataDir }))
    expect(code).toBe('bad-identity')
    expect(message).toContain('delete it')
    const inFile = await fault(create({ dataDir: join(dataDir, 'identity.key', 'below') }))
    expect(inFile.message).toContain('cannot be kept')
    expect(inFile.message).not.toContain('delete it')
    expect(await readFile(join(dataDir, 'identity.key'), 'utf8')).toBe('not a key')
  })

  test.each(['port', 'tcpPort'] as const)('names a busy %s', async (option) => {
    const other = createServer()
    const port = await new Promise<number>((resolve) => {
      other.listen(0, '127.0.0.1', () => {
        const address = other.address()
        resolve(typeof address === 'object' && address !== null ? address.port : 0)
      })
    })
    const error = await fault(create({ [option]: port }))
    expect(error.fault).toEqual({ code: 'port-in-use', port })
    expect(error.message).toContain(`port ${port} is in use`)
    await new Promise((resolve) => other.close(resolve))
  })

  test('refuses hosts, ports, folders and addresses that are none', async () => {
    expect((await fault(create({ host: 'example.test' }))).code).toBe('bad-host')
    expect((await fault(create({ host: '192.0.2.77' }))).code).toBe('bad-host')
    expect((await fault(create({ host: '::1%lo' }))).code).toBe('bad-host')
    const same = await fault(create({ port: 45_011, tcpPort: 45_011 }))
    expect(same.message).toContain('TCP needs a port of its own')
    const credential = 'x'.repeat(300)
    const long = { urls: 'turn:turn.example', username: 'user', credential }
    expect((await fault(create({ iceServers: [long] }))).message).toContain('256 characters')
    expect((await fault(create({ tcpPort: 65_536 }))).fault).toEqual({
      code: 'bad-option',
      option: 'tcpPort',
    })
    expect((await fault(create({ announce: ['swarm.example:443'] }))).fault).toEqual({
      code: 'bad-option',
      option: 'announce',
    })
    expect((await fault(create({ pageDir: join(root, 'no-page') }))).code).toBe('bad-option')
  })

  test('reports its states, and logs in single lines', async () => {
    const signaling = create()
    const events: SignalingEvent[] = []
    const off = signaling.on((event) => events.push(event))
    await signaling.start()
    await signaling.stop()
    off()
    expect(events.map((event) => (event.type === 'state-changed' ? event.state : ''))).toEqual([
      'starting',
      'ready',
      'stopping',
      'stopped',
    ])
    expect(log.map(({ event }) => event)).toEqual(['release-offered', 'ready', 'stopped'])
    for (const entry of log) expect(formatLog(entry)).not.toContain('\n')
    const nasty = { level: 'warn', event: 'e', text: 'a\nb', data: { peer: 'x\n info y' } } as const
    expect(formatLog(nasty)).toBe('warn e a\\nb peer="x\\n info y"')
    expect(formatLog({ ...nasty, text: '' })).toBe('warn e peer="x\\n info y"')
    for (const entry of log) expect(entry.text).not.toBe('')
  })
})

describe('the check of releases', { timeout: 30_000 }, () => {
  test.each([
    ['has no manifest.json', 'no-manifest', (dir: string) => rm(join(dir, 'manifest.json'))],
    [
      'the signature of "tiny" is not its publisher\'s',
      'forged',
      (dir: string) => {
        const forged = { ...manifest, labels: ['all', 'are', 'wrong'] }
        return writeFile(join(dir, 'manifest.json'), manifestBytes(forged))
      },
    ],
    [
      'the stem does not have the hash in the manifest',
      'flipped',
      async (dir: string) => {
        const path = partPath(dir, manifest.parts[0]?.sha256 ?? '')
        const bytes = await readFile(path)
        bytes.writeUInt8(bytes.readUInt8(bytes.length - 1) ^ 1, bytes.length - 1)
        await writeFile(path, bytes)
      },
    ],
    ['layer 1 has 3 bytes', 'short', (dir: string) => writeFile(lastPart(dir), 'abc')],
    [
      'is a Git LFS pointer',
      'pointer',
      (dir: string) => writeFile(lastPart(dir), 'version https://git-lfs.github.com/spec/v1\n'),
    ],
    ['layer 1 is missing', 'incomplete', (dir: string) => rm(lastPart(dir))],
  ])('refuses a folder where %s', async (reason, name, harm) => {
    const dir = await broken(name, harm)
    const { code, message } = await fault(create({ modelDirs: [dir] }))
    expect(code).toBe('no-release')
    expect(message).toContain(reason)
    expect(message).toContain(dir)
  })

  test('serves the good releases and says in one line why another is refused', async () => {
    const bad = await broken('bad', (dir) => rm(join(dir, 'manifest.json')))
    const second = join(root, 'second')
    await writeRelease(second, 'second', 2)
    const signaling = create({ modelDirs: [bad, model, second] })
    const { releases } = await signaling.start()
    expect(releases.map(({ name }) => name)).toEqual(['tiny', 'second'])
    expect(signaling.snapshot().refusedReleases).toBe(1)
    expect(log.filter(({ level }) => level === 'warn').map(({ text }) => text)).toEqual([
      `the release in ${bad} is refused: it has no manifest.json`,
    ])
  })

  function lastPart(dir: string): string {
    return partPath(dir, manifest.parts.at(-1)?.sha256 ?? '')
  }
})
