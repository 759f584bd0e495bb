import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { refuseUnimported, refuseUnpublished } from './refuse-unpublished.ts'
import { readManifest } from './release-folder.ts'

let scratch = ''
const at = (...names: string[]): string => join(scratch, ...names)

beforeEach(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'unpublished-'))
})
afterEach(() => rm(scratch, { recursive: true }))

async function write(...names: string[]): Promise<void> {
  await mkdir(dirname(at(...names)), { recursive: true })
  await writeFile(at(...names), '{}')
}

test('a folder without a release is called what it is, with what makes a release of it', async () => {
  await write('trained', 'model.safetensors')
  await write('trained', 'report.json')
  await write('begun', 'checkpoint.safetensors')
  await write('foreign', 'config.json')
  await write('above', 'release', 'manifest.json')
  await mkdir(at('empty'))
  await write('file')
  const told = [
    ['nowhere', /nowhere does not exist; --model takes the folder of a release, as layerswarm pub/],
    ['file', /file is not a folder; --model takes/],
    ['trained', /is not published; first layerswarm publish \S+trained --out RELEASE_DIR$/],
    ['begun', /is not finished; go on with/],
    ['foreign', /layerswarm import \S+foreign --out DIR, then layerswarm publish DIR --out RELE/],
    ['above', /holds no model itself; one lies in \S+above\/release: name that folder$/],
    ['empty', /holds no release \(manifest\.json\); --model takes/],
  ] as const
  for (const [name, line] of told) await expect(refuseUnpublished([at(name)])).rejects.toThrow(line)
})

test('one release among the folders is enough, and none named is for others to say', async () => {
  await write('release', 'manifest.json')
  await refuseUnpublished([at('nowhere'), at('release')])
  await refuseUnpublished([])
})

test('what is to be published has to be imported first, or lies further below', async () => {
  await write('foreign', 'config.json')
  await expect(refuseUnimported(at('foreign'))).rejects.toThrow(
    /first layerswarm import \S+foreign/,
  )
  await expect(refuseUnimported(scratch)).rejects.toThrow(/one lies in \S+foreign: name that/)
  await mkdir(at('empty'))
  await refuseUnimported(at('empty'))
})

test('a manifest that is something else is called that, with its folder', async () => {
  await write('release', 'manifest.json')
  await writeFile(
    at('release', 'manifest.json'),
    'version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n',
  )
  await expect(readManifest(at('release'))).rejects.toThrow(
    /release: manifest\.json is not JSON: it is a Git LFS pointer/,
  )
})
