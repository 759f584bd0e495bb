import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  checkPart,
  checkSha256,
  filesOf,
  type LayerFiles,
  type Mix,
  parseManifest,
  relativeL2,
  releaseId,
  verifyManifest,
} from '@layerswarm/model'
import type { LayerFilesEvaluation } from '@layerswarm/trainer'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeTraining, vectors } from '../support/make-release.ts'
import { refusal, run, writePictures } from '../support/outcomes.ts'
import { runCommand } from '../support/run-command.ts'

const SAMPLES = fileURLToPath(new URL('../../models/samples/fashion-mnist-500', import.meta.url))
const TOKEN = 'correct-horse-battery'
/** Float32 engines against PyTorch in float64, the tiny models of the vectors. */
const ENGINE_TOLERANCE = 2e-5

let scratch = ''
const at = (...names: string[]): string => join(scratch, ...names)

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'layerswarm-life-'))
  await makeTraining(at('training'))
})
afterAll(() => rm(scratch, { recursive: true, force: true }))

interface Vectors {
  cases: { order: number[]; logits: number[][] }[]
}

describe('import', () => {
  for (const variant of ['shuffle', 'position', 'predict']) {
    test(`takes over the ${variant} variant, and gives the logits of PyTorch`, async () => {
      const source = join(vectors, `vit-${variant}`)
      const out = at(`imported-${variant}`)
      expect(await run('import', source, '--out', out)).toMatchObject({ spec: { variant } })
      const images = join(source, 'expected.json')
      const { cases } = JSON.parse(await readFile(images, 'utf8')) as Vectors
      const { order = [], logits = [] } = cases.at(-1) ?? {}
      const words = ['forward', out, '--images', images, '--order', order.join(',')]
      const result = await run<{ logits: number[][] }>(...words, '--engine', 'ort-node')
      expect(relativeL2(result.logits.flat(), logits.flat())).toBeLessThan(ENGINE_TOLERANCE)
    })
  }

  test('names the first thing that is wrong in a folder', async () => {
    const folder = at('bert')
    await cp(join(vectors, 'vit-shuffle'), folder, { recursive: true })
    const config = JSON.parse(await readFile(join(folder, 'config.json'), 'utf8')) as object
    const write = (changes: object) =>
      writeFile(join(folder, 'config.json'), JSON.stringify({ ...config, ...changes }))
    const refuse = (): Promise<string> => refusal(1, 'import', folder, '--out', at('none'))
    await write({ model_type: 'bert' })
    expect(await refuse()).toMatch(/"model_type" is "bert"; only "vit" and "deit"/)
    await write({ hidden_size: 64 })
    expect(await refuse()).toMatch(/tensor "vit\.\S+" of the checkpoint has shape/)
    await write({ num_hidden_layers: 5 })
    expect(await refuse()).toMatch(
      /tensor "vit\.encoder\.layer\.4\.\S+" of the checkpoint is missing/,
    )
    await write({})
    const model = await readFile(join(folder, 'model.safetensors'))
    await writeFile(join(folder, 'model.safetensors'), model.subarray(0, 5000))
    expect(await refuse()).toMatch(/cut off/)
    await rm(join(folder, 'model.safetensors'))
    expect(await refuse()).toMatch(/model\.safetensors does not exist/)
    await writeFile(join(folder, 'pytorch_model.bin'), '')
    expect(await refuse()).toMatch(/pickle/)
  })
})

describe('merge', () => {
  test('takes the layers that the mask says, and is evaluated beside its parents', async () => {
    const [a, b, out] = [at('training'), at('second'), at('merged')]
    await run('import', join(vectors, 'vit-shuffle'), '--out', b)
    const { mask } = await run<{ mask: number[] }>('merge', a, b, '--out', out, '--mask', '0,1,1,0')
    expect(mask).toEqual([0, 1, 1, 0])
    const words = ['evaluate', a, out, '--samples', SAMPLES, '--images', '100']
    const { releases, merged } = await run<{
      releases: { name: string; sequential: number; pruned: object }[]
      merged: { of: string[] }[]
    }>(...words)
    expect(releases.map(({ name }) => name)).toEqual(['tiny-vit', 'tiny-vit-merged'])
    // Both have the weights of the vectors: mixing a model with itself changes nothing.
    expect(releases[1]?.sequential).toBe(releases[0]?.sequential)
    expect(Object.keys(releases[0]?.pruned ?? {})).toEqual(['0', '1', '2', '3'])
    expect(merged).toHaveLength(1)
  })

  test('refuses models that do not fit, masks that do not fit, and folders that are taken', async () => {
    const [a, out] = [at('training'), at('never')]
    await run('import', join(vectors, 'vit-position'), '--out', at('other'))
    const merge = (exit: 1 | 2, ...words: string[]) => refusal(exit, 'merge', ...words)
    expect(await merge(1, a, at('other'), '--out', out)).toMatch(/"variant" is shuffle in one/)
    expect(await merge(2, a, a, '--out', out, '--mask', '0,1')).toMatch(/2 entries.*4 layers/)
    expect(await merge(2, a, a, '--out', out, '--mask', '0,2')).toMatch(/a 0 or 1 for every layer/)
    expect(await merge(2, a, a, '--out', out, '--mask', '0,1,0,1', '--seed', '1')).toMatch(
      /not both/,
    )
    expect(await merge(1, a, a, '--out', join(vectors, 'vit-shuffle'))).toMatch(
      /holds another model/,
    )
  })
})

describe('evaluate', () => {
  test('writes reports, and the page of results', async () => {
    const report = at('report')
    const words = ['evaluate', at('training'), '--samples', SAMPLES, '--images', '100']
    const document = await run(...words, '--report', report, '--results', at('docs', 'results.md'))
    expect(JSON.parse(await readFile(join(report, 'report.json'), 'utf8'))).toEqual(document)
    const html = await readFile(join(report, 'report.html'), 'utf8')
    expect(html).toContain('<svg')
    expect(html).not.toMatch(/(src|href)=/)
    expect(await readFile(join(report, 'report.md'), 'utf8')).toContain(
      '| tiny-vit | shuffle | 4 |',
    )
    const results = await readFile(at('docs', 'results.md'), 'utf8')
    expect(results).toContain('| tiny-vit | shuffle | 7 | 1\u202f000 | – |')
    expect(results).toContain('(figures/results-layers-any-order.svg)')
    const figures = await readdir(at('docs', 'figures'))
    expect(figures).toContain('results-layers-any-order.svg')
    expect(results).toContain('--images 100 --results')
  })

  test('evaluates pictures in folders', async () => {
    for (const label of ['class 0', 'class 1']) await writePictures(at('pictures', label), 10)
    const words = ['evaluate', at('training'), '--data', at('pictures')]
    const { releases } = await run<{ releases: { images: number }[] }>(...words)
    expect(releases[0]?.images).toBe(2)
  })

  test('says in one line what is wrong with its data', async () => {
    const model = at('training')
    expect(await refusal(1, 'evaluate', model, '--data', at('nowhere'))).toMatch(
      /which is not there/,
    )
    expect(await refusal(2, 'evaluate', model, '--download', at('x.json'))).toMatch(/--data DIR/)
  })
})

describe('train', () => {
  test('begins with an imported model when it fits the recipe, and says what does not', async () => {
    const data = at('train-data')
    for (const label of ['a', 'b']) await writePictures(join(data, label), 40)
    const recipes = fileURLToPath(new URL('../../packages/trainer/recipes', import.meta.url))
    const base = JSON.parse(await readFile(join(recipes, 'fashion-vit.json'), 'utf8')) as object
    const sizes = { patchSize: 7, width: 32, layers: 4, heads: 4, mlpWidth: 64 }
    const recipe = { ...base, ...sizes, name: 'tuned', batch: 8, images: 16, keptPatches: 16 }
    await writeFile(at('tune.json'), JSON.stringify(recipe))
    await writeFile(at('wide.json'), JSON.stringify({ ...recipe, width: 64 }))
    const words = ['--data', data, '--size', '28', '--from', at('training'), '--engine', 'cpu']
    const report = await run<{ spec: object; steps: number }>(
      ...['train', at('tune.json'), '--out', at('tuned'), ...words],
    )
    expect(report).toMatchObject({ steps: 2, spec: { classes: 2, layerNormEps: 1e-12 } })
    expect(await refusal(1, 'train', at('wide.json'), '--out', at('wide'), ...words)).toMatch(
      /"width" is 64 .* 32 in the model/,
    )
  })

  test('learns from a teacher that knows the same classes', async () => {
    const recipe = JSON.parse(await readFile(at('tune.json'), 'utf8')) as object
    await writeFile(at('taught.json'), JSON.stringify({ ...recipe, teacherShare: 0.5 }))
    const words = ['--data', at('train-data'), '--size', '28', '--engine', 'cpu']
    const tuned = ['--teacher', at('tuned')]
    const taught = ['train', at('taught.json'), '--out', at('taught')]
    const report = await run<{ steps: number }>(...taught, ...words, ...tuned)
    expect(report.steps).toBe(2)
    expect(await refusal(1, ...taught, ...words, ...tuned)).toMatch(
      /holds a finished training already .*; choose another folder with --out/,
    )
    const other = ['train', at('taught.json'), '--out', at('untaught'), ...words]
    expect(await refusal(1, ...other)).toMatch(/but no teacher is named/)
    expect(await refusal(1, ...other, '--teacher', at('training'))).toMatch(
      /the teacher knows 10 classes of 28 pixels in 1 channels, the data has 2 classes/,
    )
    const untaught = ['train', at('tune.json'), '--out', at('untaught'), ...words, ...tuned]
    expect(await refusal(1, ...untaught)).toMatch(/a teacher is named, but "teacherShare" is 0/)
  })
})

describe('rounds', () => {
  test('are measured by evaluate and by publish, which signs them', async () => {
    for (const label of ['class 0', 'class 1']) await writePictures(at('measured', label), 20)
    const data = ['--data', at('measured')]
    const rounds = ['--rounds', '2+2', '--rounds', '4', '--rounds', '2+2']
    const { releases } = await run<{ releases: { rounds: object }[] }>(
      ...['evaluate', at('training'), ...data, ...rounds, '--report', at('rounds report')],
    )
    const [{ rounds: measured = {} } = {}] = releases
    expect(Object.keys(measured)).toEqual(['4', '2+2'])
    const report = await readFile(at('rounds report', 'report.md'), 'utf8')
    expect(report).toMatch(/## In rounds\n[^#]*\| model \| 4 \| 2\+2 \|/)

    const out = at('measured release')
    const key = ['--key', at('keys', 'publisher.key')]
    const words = ['publish', at('training'), '--out', out, ...key, ...rounds, ...data]
    const dataless = words.slice(0, -data.length)
    expect(await refusal(2, ...dataless)).toMatch(
      /not Fashion-MNIST: name its data set with --data/,
    )
    const published = await run<{ rounds: Record<string, number> }>(...words)
    expect(Object.keys(published.rounds)).toEqual(['4', '1+1+1+1', '2+2'])
    const manifest = parseManifest(await readFile(join(out, 'manifest.json')))
    verifyManifest(manifest)
    expect(manifest.rounds).toEqual(published.rounds)
    const { images, thresholds = {} } = manifest.novelty ?? {}
    expect(images).toBe(4)
    expect(Object.keys(thresholds)).toEqual(['1', '2', '4', '8'])
    const shown = await runCommand(...words)
    expect(shown.stdout).toMatch(/^\d+\.\d % in rounds of 2\+2$/m)
    const plain = await runCommand('evaluate', out, ...data, '--rounds', '1+3')
    expect(plain.stdout).toMatch(/^tiny-vit: \d+\.\d % ± \d\.\d % in rounds of 1\+3$/m)
    const again = ['publish', out, '--to', 'http://127.0.0.1:1', '--token', TOKEN]
    expect(await refusal(2, ...again, '--rounds', '2+2')).toMatch(/is a signed release already/)
    expect(await refusal(2, ...again, ...data)).toMatch(/with --data it becomes another one/)

    // Mixed with a release of the same weights nothing is lost, and with one of another kind nothing is measured.
    const mixing = ['--mixes-with', out, '--out', at('next release'), ...key, ...data]
    const next = await run<{ mixes: Mix[] }>('publish', at('training'), ...mixing)
    expect(next.mixes).toHaveLength(1)
    expect(next.mixes[0]).toMatchObject({
      release: releaseId(parseManifest(await readFile(join(out, 'manifest.json')))),
    })
    expect(next.mixes[0]?.accuracy).toBeCloseTo(next.mixes[0]?.own ?? 0, 12)
    const unlike = [
      'publish',
      at('positioned'),
      '--mixes-with',
      out,
      '--out',
      at('no'),
      ...key,
      ...data,
    ]
    await run('import', join(vectors, 'vit-position'), '--out', at('positioned'))
    expect(await refusal(1, ...unlike)).toMatch(/cannot be mixed: "variant" is position in one/)
  })

  test('that do not fit are refused, and what they are not for', async () => {
    const evaluate = (...words: string[]) => refusal(2, 'evaluate', at('training'), ...words)
    expect(await evaluate('--rounds', '2+3')).toMatch(
      /--rounds: "2\+3" is no grouping of 4 layers; one is "2\+2" \(tiny-vit\)/,
    )
    expect(await evaluate('--rounds', 'two')).toMatch(/one is "2\+2"/)
    const data = ['--data', at('none')]
    expect(await refusal(1, 'publish', at('training'), '--out', at('no'), ...data)).toMatch(
      /none.* is not there/,
    )
  })
})

describe('smaller files of layers', () => {
  const data = () => ['--data', at('small pictures')]
  const key = () => ['--key', at('keys', 'publisher.key')]

  test('are written, measured and signed by publish, and measured by evaluate', async () => {
    for (const label of ['class 0', 'class 1']) await writePictures(at('small pictures', label), 20)
    const out = at('small release')
    const words = ['publish', at('training'), '--out', out, ...key(), ...data()]
    const kinds = ['--layer-files', 'int8,float16,float32']
    const published = await run<{ layerFiles: LayerFiles[]; bytes: number }>(...words, ...kinds)
    const manifest = parseManifest(await readFile(join(out, 'manifest.json')))
    verifyManifest(manifest)
    expect(manifest.layerFiles).toEqual(published.layerFiles)
    expect(manifest.layerFiles?.map(({ dtype }) => dtype)).toEqual(['float16', 'int8'])
    expect(published.bytes).toBe(filesOf(manifest).reduce((sum, { bytes }) => sum + bytes, 0))
    for (const { part, sha256, bytes, dtype } of filesOf(manifest)) {
      const file = new Uint8Array(await readFile(join(out, 'parts', `${sha256}.safetensors`)))
      checkSha256(file, sha256, out)
      checkPart(manifest.spec, part, file)
      expect(file.length, `${part} ${dtype}`).toBe(bytes)
    }
    const [half, int8] = manifest.layerFiles ?? []
    expect(half?.apart).toBeLessThan(0.001)
    expect(int8?.apart).toBeGreaterThan(half?.apart ?? 1)
    expect(int8?.files[0]?.bytes).toBeLessThan(half?.files[0]?.bytes ?? 0)

    // What is read is what was signed; a kind that it lacks is made.
    const { releases } = await run<{ releases: { layerFiles: LayerFilesEvaluation }[] }>(
      ...['evaluate', out, ...data(), '--layer-files', 'int4'],
    )
    const measured = releases[0]?.layerFiles
    expect(Object.keys(measured?.kinds ?? {})).toEqual(['float16', 'int8', 'int4'])
    expect(measured?.own.mean).toBe(int8?.own)
    expect(measured?.kinds.int8?.mean).toBe(int8?.accuracy)
    expect(measured?.kinds.int8?.layerBytes).toBe(int8?.files[0]?.bytes)
    const shown = await runCommand('evaluate', out, ...data(), '--report', at('small report'))
    expect(shown.stdout).toMatch(/^tiny-vit: \d+\.\d\d % with int8, \d+ bytes a layer at most$/m)
    expect(await readFile(at('small report', 'report.md'), 'utf8')).toMatch(
      /## Layer files\n[^#]*\| model \| own \| float16 \| int8 \| mixed \|/,
    )

    // A folder that lacks one of them is no release, and a new one without them leaves none behind.
    await run(...words)
    expect(await readdir(join(out, 'parts'))).toHaveLength(manifest.parts.length)
    await run(...words, ...kinds)
    await rm(join(out, 'parts', `${int8?.files[1]?.sha256}.safetensors`))
    expect(await refusal(1, 'evaluate', out, ...data())).toMatch(/does not exist/)
    expect(await refusal(1, 'signaling', '--model', out, '--port', '0')).toMatch(
      /layer 1 in int8 is missing/,
    )
  })

  test('are refused where they cannot be', async () => {
    const words = ['publish', at('training'), '--out', at('no'), ...key(), ...data()]
    const half = ['--dtype', 'float16', '--layer-files']
    expect(await refusal(2, ...words, ...half, 'float32')).toMatch(
      /--layer-files names float32, and the parts are stored as float16/,
    )
    expect(await refusal(2, ...words, '--layer-files', 'int5')).toMatch(/did you mean "int[48]"/)
    const again = ['publish', at('small release'), '--to', 'http://127.0.0.1:1', '--token', TOKEN]
    expect(await refusal(2, ...again, '--layer-files', 'int8')).toMatch(
      /with --layer-files it becomes another one, which needs --out DIR/,
    )
  })
})
