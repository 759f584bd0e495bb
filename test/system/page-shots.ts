import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Page } from 'playwright-core'
import sharp, { type Sharp } from 'sharp'
import { expect } from 'vitest'

const folder = fileURLToPath(new URL('../../docs/screenshots', import.meta.url))

/** Windows that the page is looked at in: a phone, a tablet, a desk. */
export const WIDTHS = [390, 768, 1280]

/** Cells across and down: fonts differ from machine to machine, the arrangement does not. */
const COLUMNS = 12
const ROWS = 24
/** Mean difference of a cell's brightness, of 255; another arrangement gives 25 and more. */
const DIFFERENCE_MAX = 14
/** Longer words or other fonts make a page longer or shorter by at most this share. */
const HEIGHT_SHARE_MAX = 0.2

/** Those that are compared are many, so each is small: few colours, and no wider than this. */
const COLOURS = 16
const WIDTH_PIXELS_MAX = 480

/** With LAYERSWARM_SCREENSHOTS=write the tests store what the README shows. */
export const storesShots = process.env.LAYERSWARM_SCREENSHOTS === 'write'

/** Stores a screenshot when asked to; too much moves in it to be compared. */
export async function keepShot(name: string, shoot: () => Promise<Buffer>): Promise<void> {
  if (storesShots) await store(name, sharp(await shoot()).png({ palette: true }))
}

function small(shot: Buffer): Sharp {
  return sharp(shot)
    .resize({ width: WIDTH_PIXELS_MAX, withoutEnlargement: true })
    .png({ palette: true, colours: COLOURS, dither: 0, effort: 10 })
}

async function store(name: string, png: Sharp): Promise<void> {
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, `${name}.png`), await png.toBuffer())
}

/**
 * Compares the whole page with its stored screenshot, by the brightness of large cells.
 * With LAYERSWARM_SCREENSHOTS=write it stores the screenshot instead.
 */
export async function compareShot(page: Page, name: string): Promise<void> {
  await compareWithStored(await page.screenshot({ fullPage: true, animations: 'disabled' }), name)
}

/** The same of a PNG that another browser took. */
export async function compareWithStored(shot: Buffer, name: string): Promise<void> {
  if (storesShots) await store(name, small(shot))
  const stored = await readFile(join(folder, `${name}.png`))
  const [seen, wanted] = [await cellsOf(shot), await cellsOf(stored)]
  expect(Math.abs(seen.shape / wanted.shape - 1)).toBeLessThan(HEIGHT_SHARE_MAX)
  const sum = seen.cells.reduce(
    (total, cell, i) => total + Math.abs(cell - (wanted.cells[i] ?? 0)),
    0,
  )
  expect(sum / seen.cells.length).toBeLessThan(DIFFERENCE_MAX)
}

/** @returns `shape`: height by width. */
async function cellsOf(png: Buffer): Promise<{ shape: number; cells: number[] }> {
  const image = sharp(png)
  const { width, height } = await image.metadata()
  const cells = await image
    .removeAlpha()
    .grayscale()
    .resize(COLUMNS, ROWS, { fit: 'fill', kernel: 'cubic' })
    .raw()
    .toBuffer()
  return { shape: height / width, cells: [...cells] }
}
