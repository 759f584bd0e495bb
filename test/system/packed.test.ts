import { execFile, spawn } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
/** What is installed may take this much, MB. */
const INSTALLED_MB_MAX = 300
const SETUP_MS_MAX = 300_000

/** As a person would start a command: nothing of the npm that runs these tests goes along. */
const env = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(npm_|NODE_ENV|VITEST|INIT_CWD)/i.test(name)),
)

interface Ran {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

async function run(folder: string, program: string, ...words: string[]): Promise<Ran> {
  const ran = promisify(execFile)(program, words, { cwd: folder, env, maxBuffer: 64 << 20 })
  return ran.then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    (error: Ran) => error,
  )
}

const STRICT = '--noEmit --strict --skipLibCheck false --target es2023'
/** Compiler options by which programs find a package's types: of Node, and of what bundles pages. */
const RESOLUTIONS = ['--module node16', '--module nodenext', '--module preserve']

/** What the compiler says of a file in the folder outside. */
async function complaints(flags: string, file: string): Promise<string> {
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  return (await run(outside, process.execPath, tsc, ...flags.split(' '), file)).stdout
}

/** The folders of everything that is published. */
async function publishedFolders(): Promise<string[]> {
  const folders = ['models']
  for (const top of ['packages', 'apps']) {
    for (const name of await readdir(join(root, top))) folders.push(`${top}/${name}`)
  }
  return folders
}

/** How README says that the packages are installed; hosting.md must name them in the same way. */
async function installCommand(): Promise<string> {
  const read = (name: string) => readFile(join(root, name), 'utf8')
  const [, command, files = ''] = /`(npm install (\S+\.tgz))`/.exec(await read('README.md')) ?? []
  expect(await read('docs/hosting.md')).toContain(`npm install --prefix /opt/layerswarm ${files}\n`)
  return command ?? 'false'
}

async function megabytesOf(folder: string): Promise<number> {
  let bytes = 0
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) bytes += (await stat(join(entry.parentPath, entry.name))).size
  }
  return bytes / 1e6
}

let scratch = ''
let outside = ''
let installed: Ran

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'layerswarm-packed-'))
  outside = join(scratch, 'outside')
  const tarballs = join(outside, 'packed')
  await mkdir(tarballs, { recursive: true })
  const workspaces = (await publishedFolders()).flatMap((folder) => ['-w', folder])
  const packed = await run(root, 'npm', 'pack', '--pack-destination', tarballs, ...workspaces)
  expect(packed.code, packed.stderr).toBe(0)
  await writeFile(join(outside, 'package.json'), '{ "private": true, "type": "module" }')
  installed = await run(outside, 'sh', '-c', await installCommand())
}, SETUP_MS_MAX)

afterAll(() => rm(scratch, { recursive: true, force: true }))

describe('the packages, installed outside of the repository', () => {
  test('install without a warning, in at most 300 MB, and run no script', async () => {
    expect(installed.code, installed.stderr).toBe(0)
    expect(installed.stderr).toBe('')
    const modules = join(outside, 'node_modules')
    expect(await megabytesOf(modules)).toBeLessThan(INSTALLED_MB_MAX)
    const lock = JSON.parse(await readFile(join(modules, '.package-lock.json'), 'utf8'))
    const withScript = Object.entries(lock.packages as Record<string, object>)
      .filter(([, entry]) => 'hasInstallScript' in entry || 'deprecated' in entry)
      .map(([name]) => name)
    expect(withScript).toEqual([])
  })

  test('have a licence and a README each', async () => {
    const scope = join(outside, 'node_modules/@layerswarm')
    const folders = (await readdir(scope)).map((name) => join(scope, name))
    for (const folder of [...folders, join(outside, 'node_modules/layerswarm')]) {
      const files = await readdir(folder)
      expect(files, folder).toContain('README.md')
      expect(await readFile(join(folder, 'LICENSE'), 'utf8')).toBe(
        await readFile(join(root, 'LICENSE'), 'utf8'),
      )
    }
  })

  test('run the demo, with WebAssembly where onnxruntime-node is missing', async () => {
    const flags = ['--samples', '6', '--peers', '2', '--kill', '1', '--json']
    const { code, stdout, stderr } = await run(outside, 'npx', 'layerswarm', 'demo', ...flags)
    expect(code, stderr).toBe(0)
    expect(stderr).not.toMatch(/npm|warn/i)
    expect(JSON.parse(stdout)).toMatchObject({ answered: 6, killed: 1, backends: ['ort-wasm'] })
  })

  test('say in one line what a training takes', async () => {
    const recipe = 'node_modules/@layerswarm/trainer/recipes/fashion-vit.json'
    const words = ['layerswarm', 'train', recipe, '--out', 'trained', '--engine', 'cpu']
    const { code, stderr } = await run(outside, 'npx', ...words)
    expect(code).toBe(1)
    expect(stderr).toBe(
      'layerswarm: training and evaluating take the package onnxruntime-node, which is not installed: run `npm install --ignore-scripts onnxruntime-node`\n',
    )
  })

  test('give the types that a program needs, without those of libp2p', async () => {
    await writeFile(
      join(outside, 'types.ts'),
      `import { randomTensor } from '@layerswarm/model'
import { createPeer, type Peer, type PeerSnapshot } from '@layerswarm/peer'
import { simulate } from '@layerswarm/lab'
const peer: Peer = createPeer({ join: 'http://127.0.0.1:9000', serve: 'none' })
const snapshot: PeerSnapshot = peer.snapshot()
export const layers: readonly number[] = snapshot.peers.flatMap((one) => one.layers)
export const { answer } = await peer.classify(randomTensor([1, 1, 28, 28], 1), {})
export const share: number | undefined =
  simulate('calm', { peers: 4, requests: 1, seed: 1 }).policies['any-order']?.answeredShare
`,
    )
    // A program for Node alone has the types of Node and none of the browser's.
    const ofNode = `--lib es2023 --typeRoots ${join(root, 'node_modules/@types')} --types node`
    for (const environment of ['--lib es2023,dom,esnext.disposable --types', ofNode]) {
      for (const modules of RESOLUTIONS) {
        const flags = `${STRICT} ${environment} ${modules}`
        expect(await complaints(flags, 'types.ts'), flags).toBe('')
      }
    }
  })

  test('give a page the types of the element and of what it tells', async () => {
    await writeFile(
      join(outside, 'page.ts'),
      `import '@layerswarm/peer/script'
import type { LayerSwarmElement } from '@layerswarm/peer/element'
const element: LayerSwarmElement | null = document.querySelector('layer-swarm')
element?.addEventListener('swarm-answer', ({ detail }) => void detail.label.length)
document.addEventListener('swarm-hop', ({ detail }) => void detail.ms.toFixed())
const pen = document.querySelector('canvas')
if (pen !== null) void element?.classifyImage(pen).then(({ confidence }) => confidence.toFixed())
// @ts-expect-error a number is no picture
void element?.classifyImage(7)
`,
    )
    for (const modules of RESOLUTIONS) {
      const flags = `${STRICT} --lib es2023,dom --types ${modules}`
      expect(await complaints(flags, 'page.ts'), flags).toBe('')
    }
  })

  describe('with a swarm of their own', () => {
    let url = ''
    let stop: () => Promise<unknown> = async () => undefined
    beforeAll(async () => {
      await cp(join(root, 'examples'), join(outside, 'examples'), {
        recursive: true,
        filter: (path) => !path.includes('dist') && !path.includes('node_modules'),
      })
      const bin = join(outside, 'node_modules/layerswarm/bin/layerswarm.js')
      const words = ['up', '--peers', '1', '--port', '0', '--json']
      const child = spawn(process.execPath, [bin, ...words], { cwd: outside, env })
      const ended = new Promise((resolve) => child.once('close', resolve))
      stop = () => {
        child.kill('SIGTERM')
        return ended
      }
      let output = ''
      child.stderr.resume()
      url = await new Promise((resolve, reject) => {
        child.stdout.setEncoding('utf8').on('data', (text: string) => {
          output += text
          if (output.includes('\n')) resolve(JSON.parse(output).ready)
        })
        void ended.then(() => reject(new Error(`up ended: ${output}`)))
      })
    })
    afterAll(() => stop())

    test('serve the page with all that it loads', async () => {
      const page = await (await fetch(url)).text()
      const script = /src="([^"]+\.js)"/.exec(page)?.[1] ?? ''
      const runtimes = (await (await fetch(`${url}/runtimes.json`)).json()) as { path: string }[]
      for (const path of [script, ...runtimes.map(({ path }) => path)]) {
        expect((await fetch(new URL(path, url))).status, path).toBe(200)
      }
      expect(runtimes.length).toBeGreaterThan(0)
    })

    test('run the examples', async () => {
      const ask = await run(outside, process.execPath, 'examples/ask-from-node/ask.js', url)
      expect(ask.stdout, ask.stderr).toMatch(/^[A-Z][\w/ -]*, \d+\.\d %\nlayers in this order: /)
      const serve = spawn(process.execPath, ['examples/serve-from-node/serve.js', url], {
        cwd: outside,
        env,
      })
      let said = ''
      serve.stdout.setEncoding('utf8').on('data', (text: string) => {
        said += text
        if (/hosting layers \d, \d/.test(said)) serve.kill('SIGINT')
      })
      expect(await new Promise((resolve) => serve.once('close', resolve))).toBe(0)
      const lab = await run(outside, process.execPath, 'examples/policy-in-the-lab/policy.js')
      expect(lab.stdout, lab.stderr).toMatch(/^shipped: \d+\.\d % answered/)
    })
  })
})
