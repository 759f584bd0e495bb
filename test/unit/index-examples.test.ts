import { readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createSignaling, type Signaling } from '@layerswarm/signaling'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { grayPng } from '../support/pictures.ts'
import { writeSampleData } from '../support/training-data.ts'
import { openSnippets } from './run-snippet.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const PACKAGES = readdirSync(join(root, 'packages'))

let scratch = ''
let signaling: Signaling
let swarmUrl = ''
const snippets = openSnippets('index-examples')

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'layerswarm-examples-'))
  signaling = createSignaling({ port: 0, modelDirs: [join(root, 'models/fashion-vit')] })
  swarmUrl = (await signaling.start()).url
})
afterAll(async () => {
  snippets.remove()
  await signaling.stop()
  await rm(scratch, { recursive: true })
})
afterEach(() => vi.restoreAllMocks())

/** The example on a package's first page, with these words of it replaced. */
function exampleOf(name: string, places: Readonly<Record<string, string>> = {}): string {
  const source = readFileSync(join(root, 'packages', name, 'src/index.ts'), 'utf8')
  const page = /^\/\*\*[\s\S]*?\*\//.exec(source)?.[0] ?? ''
  const code = /```ts\n([\s\S]*?) \* ```/.exec(page)?.[1]?.replaceAll(/^ \* ?/gm, '')
  if (code === undefined) throw new Error(`the first page of packages/${name} has no example`)
  return Object.entries(places).reduce((text, [words, others]) => {
    if (!text.includes(words)) throw new Error(`the example of ${name} does not say ${words}`)
    return text.replace(words, others)
  }, code)
}

/** Runs an example and gives back these of its constants. */
async function run(
  name: string,
  constants: readonly string[],
  places: Readonly<Record<string, string>> = {},
): Promise<Readonly<Record<string, unknown>>> {
  snippets.write(`${name}.ts`, `${exampleOf(name, places)}\nexport { ${constants.join(', ')} }\n`)
  return snippets.load(`${name}.ts`)
}

/** One per package: what its example must come to. */
const EXAMPLES: Readonly<Record<string, () => Promise<void>>> = {
  async figures() {
    const { file } = await run('figures', ['file'])
    expect(file).toMatch(/^<svg xmlns="[^"]+" [\s\S]*any order[\s\S]*<\/svg>$/)
  },

  async lab() {
    const printed = vi.spyOn(console, 'log').mockReturnValue()
    await run('lab', ['report'])
    expect(printed.mock.calls[0]?.[0]).toMatch(/^\d+ of 30 answered, p50 [\d.]+ ms$/)
    expect(printed.mock.calls[1]?.[0]).toBe(
      'npx layerswarm simulate harsh --peers 20 --requests 30 --seed 1 --policy any-order',
    )
  },

  async model() {
    const { probabilities } = await run('model', ['probabilities'])
    const { shape, data } = probabilities as { shape: number[]; data: Float32Array }
    expect(shape).toEqual([2, 10])
    expect(data.reduce((sum, value) => sum + value)).toBeCloseTo(2, 5)
  },

  async peer() {
    const photo = join(scratch, 'photo.png')
    await writeFile(photo, await grayPng())
    const places = {
      'http://127.0.0.1:9000': swarmUrl,
      'capacity: 2': 'capacity: 8',
      'photo.png': photo,
    }
    const result = await run('peer', ['label', 'confidence', 'route', 'missingLayers'], places)
    expect(result.missingLayers).toEqual([])
    expect(result.route).toHaveLength(8)
    expect(result.label).toMatch(/^[A-Z]/)
    expect(result.confidence).toBeGreaterThan(0.1)
  },

  async signaling() {
    const names = ['peerId', 'releases', 'ready', 'peers', 'relay', 'lines']
    expect(await run('signaling', names)).toMatchObject({
      peerId: expect.stringMatching(/^12D3/),
      releases: [{ name: 'fashion-vit' }],
      ready: true,
      peers: { announced: 0 },
      relay: { reservations: 0 },
      lines: expect.arrayContaining([expect.stringMatching(/^info stopped/)]),
    })
  },

  async swarm() {
    const { order, missingLayers } = await run('swarm', ['order', 'missingLayers'])
    expect(missingLayers).toEqual([])
    expect((order as number[]).toSorted()).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
  },

  async trainer() {
    await writeSampleData(join(scratch, 'data'))
    const { report } = await run('trainer', ['report'], {
      '20_000': '640',
      '/usr/share/datasets/fashion-mnist': join(scratch, 'data'),
      'runs/short': join(scratch, 'short'),
    })
    expect(report).toMatchObject({ name: 'fashion-vit', imagesSeen: 640 })
  },
}

describe('the example on the first page', { timeout: 60_000 }, () => {
  test('is there for every package', () => {
    expect(Object.keys(EXAMPLES).toSorted()).toEqual(PACKAGES.toSorted())
  })

  test.each(Object.entries(EXAMPLES))('of %s runs', (_name, check) => check())

  test('compiles as strictly as the packages', () => {
    for (const name of PACKAGES) snippets.write(`${name}.ts`, `${exampleOf(name)}\nexport {}\n`)
    expect(snippets.complaints()).toBe('')
  })
})
