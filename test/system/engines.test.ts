import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  type Preprocessing,
  parseHuggingFacePreprocessor,
  preparePicture,
  relativeL2,
} from '@layerswarm/model'
import { decodeImage } from '@layerswarm/peer/images'
import type { Browser, Page } from 'playwright-core'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { vectors } from '../support/make-release.ts'
import { runCommandIn } from '../support/run-command.ts'
import { loadPictureCases } from '../unit/picture-cases.ts'
import { loadVectors, VECTOR_NAMES } from '../unit/vectors.ts'
import { type BenchSite, startBenchSite } from './bench-page.ts'
import { launchBrowser, SOFTWARE_WEBGPU } from './browser.ts'

/** The bound for every engine; float32 against PyTorch's float64 stays near 1e-6. */
const RELATIVE_L2_MAX = 1e-3

let browser: Browser
let site: BenchSite
let page: Page
beforeAll(async () => {
  ;[browser, site] = await Promise.all([launchBrowser(SOFTWARE_WEBGPU), startBenchSite()])
  page = await (await browser.newContext()).newPage()
  await page.goto(site.url)
})
afterAll(async () => {
  await browser?.close()
  await site?.stop()
})

/** What the page's bench offers to this test. */
interface Engines {
  acceptance(name: string): Promise<{ name: string; failure: string | undefined }[]>
  vectorDistances(name: string, files: unknown): Promise<number[]>
  preparedBytes(file: string, preprocessing: Preprocessing): Promise<number[] | string>
}
declare const bench: Engines

describe.each(['ort-wasm', 'ort-webgpu', 'tfjs-webgpu'])('the engine %s in Chromium', (engine) => {
  test('passes every case of the acceptance suite', { timeout: 240_000 }, async () => {
    const results = await page.evaluate((name) => bench.acceptance(name), engine)
    expect(results.filter(({ failure }) => failure !== undefined)).toEqual([])
    expect(results.length).toBeGreaterThanOrEqual(14)
  })

  test.each(VECTOR_NAMES)('reproduces the logits of PyTorch for %s', async (name) => {
    const { spec, checkpoint, images, cases } = await loadVectors(name)
    const files = {
      spec,
      checkpoint: Buffer.from(checkpoint).toString('base64'),
      images: { shape: images.shape, data: Array.from(images.data) },
      cases: cases.map(({ order, logits }) => ({ order, logits })),
    }
    const distances = await page.evaluate(
      ([of, given]) => bench.vectorDistances(of as string, given),
      [engine, files] as const,
    )
    expect(distances.length).toBeGreaterThanOrEqual(5)
    for (const distance of distances) expect(distance).toBeLessThan(RELATIVE_L2_MAX)
  })
})

describe('a picture in Chromium', () => {
  const spec = { imageSize: 32, channels: 3 }
  const seen = (file: Uint8Array, preprocessing: Preprocessing) =>
    page.evaluate(([bytes, how]) => bench.preparedBytes(bytes, how), [
      Buffer.from(file).toString('base64'),
      preprocessing,
    ] as const)

  test('has the pixels that Pillow gives it', async () => {
    const { cases, configs, bytesOf, fileOf } = await loadPictureCases()
    for (const name of cases) {
      const [picture = '', config = ''] = name.split('|')
      const preprocessing = parseHuggingFacePreprocessor(configs[config], spec)
      const bytes = await seen(await readFile(fileOf(picture)), preprocessing)
      expect(bytes, name).toEqual([...bytesOf(name)])
    }
    expect(cases.length).toBe(25)
  })

  test('of inks without a profile is as in Node', async () => {
    const { fileOf } = await loadPictureCases()
    const file = await sharp(fileOf('61x40')).toColourspace('cmyk').jpeg({ quality: 95 }).toBuffer()
    const any = parseHuggingFacePreprocessor(undefined, spec)
    const inNode = preparePicture(await decodeImage(new Blob([Uint8Array.from(file)])), any)
    const bytes = (await seen(file, any)) as number[]
    const apart = bytes.reduce((sum, byte, at) => sum + Math.abs(byte - (inNode[at] ?? 0)), 0)
    expect(bytes.length).toBe(inNode.length)
    expect(apart / bytes.length).toBeLessThan(1)
  })

  test('that is a Git LFS pointer or a photo that no browser reads is called so', async () => {
    const any = parseHuggingFacePreprocessor(undefined, spec)
    const pointer = Buffer.from('version https://git-lfs.github.com/spec/v1\noid sha256:0\n')
    expect(await seen(pointer, any)).toMatch(/is a Git LFS pointer, .* git lfs pull$/)
    const heic = Buffer.from('\0\0\0\x18ftypheic\0\0\0\0mif1heic')
    expect(await seen(heic, any)).toMatch(/is HEIC, .*; save it as PNG or JPEG$/)
  })

  test('that is cut off, or says that it is huge, is refused before it is decoded', async () => {
    const { fileOf } = await loadPictureCases()
    const png = Uint8Array.from(await readFile(fileOf('32x32')))
    const any = parseHuggingFacePreprocessor(undefined, spec)
    expect(await seen(png.subarray(0, 900), any)).toMatch(/is cut off/)
    new DataView(png.buffer).setUint32(16, 60_000)
    new DataView(png.buffer).setUint32(20, 60_000)
    expect(await seen(png, any)).toMatch(/has 60000 × 60000 pixels/)
  })
})

describe('forward --engine tfjs', () => {
  const folder = join(vectors, 'vit-position')
  const forward = (environment: Readonly<Record<string, string>>, engine: string) =>
    runCommandIn(
      environment,
      ...['forward', folder, '--images', join(folder, 'expected.json')],
      ...['--order', '2,0,1', '--engine', engine, '--json'],
    )
  const logitsOf = (stdout: string): number[] => JSON.parse(stdout).logits.flat()
  /** Debian's Chromium brings a Vulkan loader and a driver in software. */
  const chromium = '/usr/lib/chromium'
  const software = join(chromium, 'vk_swiftshader_icd.json')

  test('agrees with ONNX Runtime over Dawn', async () => {
    const [tfjs, native] = await Promise.all([
      forward({ LD_LIBRARY_PATH: chromium, VK_ICD_FILENAMES: software }, 'tfjs'),
      forward({}, 'ort-node'),
    ])
    // Other Chromiums bring no driver, and then the machine's own decides.
    expect(tfjs.code, tfjs.stderr).toBe(existsSync(software) ? 0 : tfjs.code)
    if (tfjs.code !== 0) return expect(JSON.parse(tfjs.stdout).error.code).toBe('no-engine')
    expect(JSON.parse(tfjs.stdout).engine).toBe('tfjs-webgpu')
    expect(relativeL2(logitsOf(tfjs.stdout), logitsOf(native.stdout))).toBeLessThan(1e-4)
  })

  test('says in one line what a machine without an adapter lacks', async () => {
    const { code, stdout, stderr } = await forward({ VK_ICD_FILENAMES: '/dev/null' }, 'tfjs')
    expect(code).toBe(1)
    expect(JSON.parse(stdout).error).toMatchObject({ code: 'no-engine' })
    expect(stderr).toMatch(
      /^layerswarm: engine tfjs-webgpu: this machine gives no WebGPU adapter.*\n$/,
    )
  })
})
