import { execFile } from 'node:child_process'
import { access, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RunningSwarm, startCommand, startService } from '../support/run-command.ts'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../..', import.meta.url))
const read = (path: string) => readFile(join(root, path), 'utf8')

/** The words of a list as Dockerfile and compose write them. */
const words = (list: string | undefined): string[] =>
  JSON.parse((list ?? '').replace(/,\s*\]$/, ']'))

let data = ''
let unit = ''
let dockerfile = ''
let compose = ''
let server: RunningSwarm
let metrics = ''
beforeAll(async () => {
  data = await mkdtemp(join(tmpdir(), 'layerswarm-deploy-'))
  unit = await read('deploy/layerswarm.service')
  dockerfile = await read('deploy/Dockerfile')
  compose = await read('deploy/compose.yaml')
  // The unit's own command, but for port and folder.
  server = await startService(...moved(/^ExecStart=\S+ (.*)$/m.exec(unit)?.[1]?.split(' ') ?? []))
  metrics = await (await fetch(`${server.url}/metrics`)).text()
})
afterAll(async () => {
  await server?.end('SIGTERM')
  await rm(data, { recursive: true, force: true })
})

/** The same flags, on any free port of loopback and with a folder of this test. */
function moved(flags: readonly string[]): string[] {
  const here = new Map([
    ['--port', '0'],
    ['--data', data],
    ['--host', '127.0.0.1'],
  ])
  return flags.map((flag, at) => here.get(flags[at - 1] ?? '') ?? flag)
}

describe('deploy/layerswarm.service', () => {
  test('starts a server that is ready and keeps its identity in the state folder', async () => {
    expect((await fetch(`${server.url}/readyz`)).status).toBe(200)
    await access(join(data, 'identity.key'))
    expect(unit).toContain('--data /var/lib/layerswarm ')
    expect(unit).toContain('StateDirectory=layerswarm\n')
  })
})

describe('deploy/Dockerfile', () => {
  const commands = (pattern: RegExp) =>
    [...dockerfile.matchAll(pattern)].map(([, list]) => words(list))

  test('finds a server alive that runs, and dead one that does not', async () => {
    const [[program, ...code] = []] = commands(/^HEALTHCHECK .*CMD (\[.*\])$/gm)
    expect(program).toBe('node')
    const check = (at: string) =>
      run(
        process.execPath,
        code.map((word) => word.replace('127.0.0.1:9000', at)),
      )
    await check(new URL(server.url).host)
    await expect(check('127.0.0.1:1')).rejects.toMatchObject({ code: 1 })
  })

  test('packs as README says, copies what there is, and starts what can be started', async () => {
    expect(await read('README.md')).toContain(
      /npm pack .*$/m.exec(dockerfile)?.[0] ?? 'no npm pack',
    )
    await access(join(root, 'package-lock.json'))
    const [command = []] = commands(/^CMD (\[.*\])$/gm)
    const started = await startService(...moved(command))
    expect(await started.end('SIGTERM')).toBe(0)
  })
})

describe('deploy/compose.yaml', () => {
  test('starts a server and volunteers that join it', async () => {
    const lists = [...compose.matchAll(/^ {4}command:\s*(\[[^\]]*\])/gm)].map(([, list]) =>
      words(list),
    )
    const [first = [], volunteer = []] = lists
    const other = await startService(...moved(first))
    const url = other.url
    const child = startCommand(
      ...moved(volunteer).map((word) => (word === 'http://signaling:9000' ? url : word)),
    )
    const ended = new Promise((resolve) => child.once('close', resolve))
    let log = ''
    child.stderr?.on('data', (text) => {
      log += String(text)
    })
    try {
      await expect.poll(() => log, { timeout: 30_000 }).toContain('serving: part of the swarm')
    } finally {
      child.kill('SIGTERM')
      await ended
      await other.end('SIGTERM')
    }
  })
})

describe('what is made of the metrics', () => {
  /** The metrics that a query names, each with the labels that it wants there. */
  function namesIn(query: string): { name: string; labels: string[] }[] {
    return [...query.matchAll(/(layerswarm_\w+)(?:\{([^}]*)\})?/g)].map(
      ([, name = '', inside = '']) => ({
        name,
        labels: [...inside.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g)].map(([, label = '']) => label),
      }),
    )
  }

  /** Labels that Prometheus adds. */
  const ADDED = new Set(['instance', 'job'])

  function expectExported(query: string): void {
    const used = namesIn(query)
    expect(used, query).not.toEqual([])
    for (const { name, labels } of used) {
      expect(metrics, query).toContain(`# TYPE ${name} `)
      const samples = metrics.split('\n').filter((line) => line.startsWith(`${name}{`))
      for (const label of labels.filter((one) => !ADDED.has(one)))
        expect(samples.join('\n'), query).toContain(`${label}="`)
    }
  }

  test('every query of the Grafana dashboard names a metric that there is', async () => {
    const dashboard = JSON.parse(await read('deploy/grafana-dashboard.json')) as {
      panels: { title: string; targets: { expr: string }[] }[]
      templating: { list: { query: string }[] }
    }
    const queries = dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr))
    expect(queries.length).toBeGreaterThan(10)
    for (const query of queries) expectExported(query)
    expectExported(dashboard.templating.list.at(-1)?.query ?? '')
  })

  test('every alert rule names a metric that there is', async () => {
    const rules = await read('deploy/prometheus-alerts.yml')
    const queries = [...rules.matchAll(/^\s+expr: (.*)$/gm)].map(([, query = '']) => query)
    expect(queries).toHaveLength(3)
    for (const query of queries) expectExported(query)
  })
})
