import { cp, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { relativeL2 } from '@layerswarm/model'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeRelease, vectors } from '../support/make-release.ts'
import { type Finished, runCommand } from '../support/run-command.ts'

const shuffle = join(vectors, 'vit-shuffle')
const images = join(shuffle, 'expected.json')

/** Float32 engines against PyTorch in float64, the tiny models of the vectors. */
const ENGINE_TOLERANCE = 2e-5

interface Vectors {
  images: { shape: number[]; data: number[] }
  cases: { order: number[]; logits: number[][] }[]
}

async function readVectors(folder: string): Promise<Vectors> {
  return JSON.parse(await readFile(join(folder, 'expected.json'), 'utf8')) as Vectors
}

/** A failed command: one line on stderr, no stack, and the same as a document with --json. */
function expectFailure({ code, stdout, stderr }: Finished, exit: 1 | 2, message: RegExp): void {
  expect(stderr).toMatch(message)
  expect(stderr.trimEnd().split('\n')).toHaveLength(1)
  expect(code).toBe(exit)
  const { error } = JSON.parse(stdout) as { error: { code: string; message: string } }
  expect(error.code).toMatch(/^[a-z-]+$/)
  expect(`layerswarm: ${error.message}\n`).toBe(stderr)
}

let scratch = ''
let release = ''

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'layerswarm-cli-'))
  const { folder, made } = await makeRelease(scratch)
  expect(made.code).toBe(0)
  expect(JSON.parse(made.stdout)).toMatchObject({ name: 'tiny-vit', parts: 6 })
  expect((await stat(join(scratch, 'keys', 'publisher.key'))).mode & 0o777).toBe(0o600)
  release = folder
})

afterAll(() => rm(scratch, { recursive: true, force: true }))

/** A copy of the release or of the vectors' model that a test may damage. */
async function copyOf(folder: string, name: string): Promise<string> {
  const copy = join(scratch, name)
  await cp(folder, copy, { recursive: true })
  return copy
}

async function firstPart(folder: string): Promise<string> {
  const [name = ''] = (await readdir(join(folder, 'parts'))).toSorted()
  return join(folder, 'parts', name)
}

describe('forward', () => {
  for (const variant of ['shuffle', 'position', 'predict']) {
    for (const engine of ['reference', 'ort-node', 'ort-wasm']) {
      test(`computes what PyTorch does: ${variant} on ${engine}`, async () => {
        const folder = join(vectors, `vit-${variant}`)
        const { cases } = await readVectors(folder)
        const known = cases.at(-1) ?? { order: [], logits: [] }
        const { code, stdout, stderr } = await runCommand(
          'forward',
          folder,
          '--images',
          join(folder, 'expected.json'),
          '--order',
          known.order.join(','),
          '--engine',
          engine,
          '--json',
        )
        expect(stderr).toBe('')
        expect(code).toBe(0)
        const result = JSON.parse(stdout) as { engine: string; order: number[]; logits: number[][] }
        expect(result).toMatchObject({ engine, order: known.order })
        expect(relativeL2(result.logits.flat(), known.logits.flat())).toBeLessThan(ENGINE_TOLERANCE)
      })
    }
  }

  test('runs no layer at all for an empty order, the same on every engine', async () => {
    const rows: number[][] = []
    for (const engine of ['reference', 'ort-node', 'ort-wasm']) {
      const { stdout } = await runCommand(
        'forward',
        shuffle,
        '--images',
        images,
        '--order',
        '',
        '--engine',
        engine,
        '--json',
      )
      const { order, logits } = JSON.parse(stdout) as { order: number[]; logits: number[][] }
      expect(order).toEqual([])
      rows.push(logits.flat())
    }
    const [reference = [], ...others] = rows
    expect(reference).toHaveLength(20)
    for (const row of others) expect(relativeL2(row, reference)).toBeLessThan(ENGINE_TOLERANCE)
  })

  test('reads a signed release and a bare {shape, data}', async () => {
    const { images: batch, cases } = await readVectors(shuffle)
    const file = join(scratch, 'bare.json')
    await writeFile(file, JSON.stringify(batch))
    const { order, logits } = cases.at(-1) ?? { order: [], logits: [] }
    const { stdout } = await runCommand(
      'forward',
      release,
      '--images',
      file,
      '--order',
      order.join(','),
      '--json',
    )
    const result = JSON.parse(stdout) as { logits: number[][] }
    expect(relativeL2(result.logits.flat(), logits.flat())).toBeLessThan(ENGINE_TOLERANCE)
  })

  test('prints a line per image without --json', async () => {
    const { code, stdout } = await runCommand('forward', shuffle, '--images', images)
    expect(code).toBe(0)
    expect(stdout).toMatch(/^image 0: class \d\nimage 1: class \d\n$/)
  })
})

describe('forward refuses', () => {
  const forward = (folder: string, ...words: string[]): Promise<Finished> =>
    runCommand('forward', folder, '--images', images, ...words, '--json')

  test('a layer that is named twice, unknown, or no number', async () => {
    expectFailure(await forward(shuffle, '--order', '1,0,1'), 2, /layer 1 twice/)
    expectFailure(await forward(shuffle, '--order', '0,4'), 2, /layer 4 does not exist.* 0 to 3/)
    expectFailure(await forward(shuffle, '--order', '0,-1'), 2, /layer numbers as 2,0,1/)
  })

  test('an engine that does not exist, and names the nearest', async () => {
    expectFailure(await forward(shuffle, '--engine', 'ortnode'), 2, /did you mean "ort-node"/)
  })

  test('images of the wrong shape', async () => {
    const file = join(scratch, 'small.json')
    await writeFile(file, JSON.stringify({ shape: [1, 1, 2, 2], data: [0, 0, 0, 0] }))
    expectFailure(
      await runCommand('forward', shuffle, '--images', file, '--json'),
      1,
      /\[images, 1, 28, 28\], got \[1, 1, 2, 2\]/,
    )
    await writeFile(file, JSON.stringify({ shape: [1, 1, 28, 28], data: [0] }))
    expectFailure(
      await runCommand('forward', shuffle, '--images', file, '--json'),
      1,
      /needs 784 values, got 1/,
    )
  })

  test('images that are no numbers, no JSON, or not there', async () => {
    const file = join(scratch, 'odd.json')
    await writeFile(file, JSON.stringify({ shape: [1], data: ['0'] }))
    expectFailure(
      await runCommand('forward', shuffle, '--images', file, '--json'),
      1,
      /odd\.json has no "data"/,
    )
    await writeFile(file, '{"shape": [1')
    expectFailure(
      await runCommand('forward', shuffle, '--images', file, '--json'),
      1,
      /odd\.json is not JSON/,
    )
    expectFailure(
      await runCommand('forward', shuffle, '--images', `${file}.not`, '--json'),
      1,
      /does not exist/,
    )
  })

  test('a folder that is missing or holds no model', async () => {
    expectFailure(await forward(join(scratch, 'nowhere')), 1, /nowhere does not exist/)
    expectFailure(await forward(vectors), 1, /holds neither a release/)
  })

  test('a truncated model file', async () => {
    const folder = await copyOf(shuffle, 'truncated')
    const file = join(folder, 'model.safetensors')
    const bytes = await readFile(file)
    await writeFile(file, bytes.subarray(0, bytes.length - 100))
    expectFailure(await forward(folder), 1, /cut off/)
    await writeFile(file, bytes.subarray(0, 5))
    expectFailure(await forward(folder), 1, /cut off/)
  })

  test('a truncated part of a release', async () => {
    const folder = await copyOf(release, 'truncated-release')
    const part = await firstPart(folder)
    const bytes = await readFile(part)
    await writeFile(part, bytes.subarray(0, bytes.length - 1))
    expectFailure(await forward(folder), 1, /it is damaged/)
    await rm(part)
    expectFailure(await forward(folder), 1, /does not exist/)
  })

  test('a part with one flipped bit', async () => {
    const folder = await copyOf(release, 'flipped')
    const part = await firstPart(folder)
    const bytes = await readFile(part)
    bytes.writeUInt8(bytes.readUInt8(bytes.length - 40) ^ 1, bytes.length - 40)
    await writeFile(part, bytes)
    expectFailure(
      await forward(folder),
      1,
      /has hash [0-9a-f]{64}, not [0-9a-f]{64}; it is damaged/,
    )
  })

  test('a manifest that its publisher did not sign', async () => {
    const folder = await copyOf(release, 'forged')
    const file = join(folder, 'manifest.json')
    const text = await readFile(file, 'utf8')
    await writeFile(file, text.replace('"tiny-vit"', '"tiny-vat"'))
    expectFailure(await forward(folder), 1, /signature of "tiny-vat" is not its publisher's/)
    await writeFile(file, text.slice(0, 300))
    expectFailure(await forward(folder), 1, /manifest.* is not JSON/)
  })
})

describe('publish', () => {
  test('does not replace the release of another publisher', async () => {
    const key = join(scratch, 'keys', 'other.key')
    const words = ['publish', join(scratch, 'training'), '--out', release, '--key', key, '--json']
    const { code, stderr } = await runCommand(...words)
    expect(code).toBe(1)
    expect(stderr).toMatch(/holds a release that this key did not sign/)
  })

  test('stores float16 in half the bytes', async () => {
    const key = join(scratch, 'keys', 'publisher.key')
    const out = join(scratch, 'half')
    const { code } = await runCommand(
      'publish',
      join(scratch, 'training'),
      '--out',
      out,
      '--key',
      key,
      '--dtype',
      'float16',
    )
    expect(code).toBe(0)
    const part = JSON.parse(await readFile(join(out, 'manifest.json'), 'utf8')) as {
      parts: { bytes: number; dtype: string }[]
    }
    const whole = JSON.parse(await readFile(join(release, 'manifest.json'), 'utf8')) as typeof part
    expect(part.parts[2]?.dtype).toBe('float16')
    expect(part.parts[2]?.bytes).toBeLessThan(0.6 * (whole.parts[2]?.bytes ?? 0))
  })
})

describe('every command', () => {
  test('has help with usage, flags and examples', async () => {
    const overview = await runCommand()
    expect(overview.code).toBe(0)
    const names = [...overview.stdout.matchAll(/^ {2}([a-z]+) {2}/gm)].map(([, name]) => name ?? '')
    expect(names).toEqual(expect.arrayContaining(['forward', 'train', 'evaluate', 'publish']))
    for (const name of names) {
      const { code, stdout, stderr } = await runCommand(name, '--help')
      expect({ name, code, stderr }).toEqual({ name, code: 0, stderr: '' })
      expect(stdout).toMatch(/usage\n.*flags\n.*examples\n/s)
    }
  })

  test('that is misspelt exits with 2 and names the nearest', async () => {
    expectFailure(await runCommand('forwrad', '--json'), 2, /did you mean "forward"/)
  })
})

describe('demo', () => {
  test('of a release that keeps its order refuses a second one before it starts anything', async () => {
    const model = fileURLToPath(new URL('../../models/fashion-vit-sequential', import.meta.url))
    const demo = (...words: string[]) => runCommand('demo', '--model', model, ...words, '--json')
    expectFailure(await demo('--confirm'), 2, /in its own order only: .* for --confirm, leave it/)
    expectFailure(await demo('--orders', '2'), 2, /in its own order only: .* for --orders, leave/)
  })
})
