import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { checkSha256, filesOf, parseManifest, verifyManifest } from '@layerswarm/model'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeTraining } from '../support/make-release.ts'
import { refusal, run, writePictures } from '../support/outcomes.ts'
import { runCommand, startService } from '../support/run-command.ts'

const TOKEN = 'correct-horse-battery'

let scratch = ''
const at = (...names: string[]): string => join(scratch, ...names)

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'layerswarm-publish-'))
  await makeTraining(at('training'))
  await writeFile(at('upload.token'), `${TOKEN}\n`)
})
afterAll(() => rm(scratch, { recursive: true, force: true }))

describe('a release that is signed anew', () => {
  const data = () => ['--data', at('pictures of it')]
  const readRelease = async (folder: string) =>
    parseManifest(await readFile(join(folder, 'manifest.json')))

  test('has the same parts and training, and what was measured of it now', async () => {
    for (const label of ['class 0', 'class 1']) await writePictures(at('pictures of it', label), 20)
    const first = ['--key', at('keys', 'publisher.key')]
    await run('publish', at('training'), '--out', at('once'), ...first, ...data(), '--rounds', '4')
    const once = await readRelease(at('once'))
    expect(Object.keys(once)).toEqual(expect.arrayContaining(['novelty', 'rounds']))

    const second = ['--key', at('keys', 'another.key'), '--name', 'again']
    const kinds = ['--layer-files', 'int8', ...data()]
    await run('publish', at('once'), '--out', at('twice'), ...second, ...kinds)
    const twice = await readRelease(at('twice'))
    verifyManifest(twice)
    expect(twice).toMatchObject({ name: 'again', parts: once.parts, training: once.training })
    expect(twice.publisher).not.toBe(once.publisher)
    expect(twice.novelty).toEqual(once.novelty)
    expect(twice.layerFiles?.map(({ dtype }) => dtype)).toEqual(['int8'])
    expect(twice.rounds).toBeUndefined()
    for (const { sha256 } of filesOf(twice)) {
      const path = join(at('twice'), 'parts', `${sha256}.safetensors`)
      checkSha256(new Uint8Array(await readFile(path)), sha256, path)
    }
    for (const document of ['recipe.json', 'report.json'])
      expect(await readFile(join(at('twice'), document))).toEqual(
        await readFile(join(at('once'), document)),
      )

    // Its parts may become smaller, and are never written larger than they are.
    await run('publish', at('once'), '--out', at('half'), ...second, '--dtype', 'float16')
    const half = await readRelease(at('half'))
    expect(new Set(half.parts.map(({ dtype }) => dtype))).toEqual(new Set(['float16']))
    expect(half.novelty).toBeUndefined()
    await run('publish', at('half'), '--out', at('half again'), ...second)
    expect((await readRelease(at('half again'))).parts).toEqual(half.parts)
  })

  test('is refused where it would not be true', async () => {
    const out = ['--out', at('no'), '--key', at('keys', 'another.key')]
    const kinds = ['--layer-files', 'float32', ...data()]
    expect(await refusal(2, 'publish', at('half'), ...out, ...kinds)).toMatch(
      /--layer-files names float32, and the parts are stored as float16/,
    )
    const over = ['--out', at('once'), '--key', at('keys', 'another.key')]
    expect(await refusal(1, 'publish', at('once'), ...over)).toMatch(
      /holds a release that this key did not sign/,
    )
    await writeFile(join(at('twice'), 'report.json'), '{}')
    expect(await refusal(1, 'publish', at('twice'), ...out)).toMatch(/report\.json/)
    await rm(join(at('twice'), 'recipe.json'))
    expect(await refusal(1, 'publish', at('twice'), ...out)).toMatch(/recipe\.json does not exist/)
  })
})

describe('publish --to', () => {
  test('uploads a training or a release, once, and the server offers the newest first', async () => {
    const service = ['signaling', '--port', '0', '--data', at('server')]
    const words = ['--upload-token-file', at('upload.token'), '--model', at('release')]
    const key = ['--key', at('keys', 'publisher.key')]
    await run('publish', at('training'), '--out', at('release'), ...key)
    const server = await startService(...service, ...words)
    try {
      const to = ['--to', server.url, '--token-file', at('upload.token')]
      const newer = await run<{ release: string; uploaded: object }>(
        ...['publish', at('training'), '--dtype', 'float16', '--out', at('newer'), ...key, ...to],
      )
      expect(newer.uploaded).toMatchObject({ parts: 6 })
      const again = await run<{ uploaded: object }>('publish', at('newer'), ...to)
      expect(again.uploaded).toEqual({ parts: 0, bytes: 0 })
      const answer = await fetch(`${server.url}/bootstrap.json`)
      const { releases } = (await answer.json()) as { releases: { id: string }[] }
      expect(releases).toHaveLength(2)
      expect(releases[0]?.id).toBe(newer.release)
      const wrong = ['--to', server.url, '--token', 'wrong-horse-battery']
      expect(await refusal(1, 'publish', at('newer'), ...wrong)).toMatch(/upload token/)
    } finally {
      await server.end('SIGTERM')
    }
  })

  test('leaves nothing half-written where it fails', async () => {
    const out = at('blocked')
    await mkdir(join(out, 'report.json', 'in the way'), { recursive: true })
    const key = ['--key', at('keys', 'publisher.key')]
    expect(await refusal(1, 'publish', at('training'), '--out', out, ...key)).toMatch(
      /blocked\/report\.json cannot be written: /,
    )
    expect(await readdir(join(out, 'parts'))).toEqual([])
    expect(await readdir(out)).not.toContain('manifest.json')
  })

  test('says in one line what is missing', async () => {
    const release = at('training')
    const publish = (exit: 1 | 2, ...words: string[]) => refusal(exit, 'publish', release, ...words)
    expect(await publish(2)).toMatch(/--out DIR, --to URL or both/)
    expect(await publish(2, '--to', 'http://127.0.0.1:1')).toMatch(/--token T or --token-file/)
    expect(await publish(2, '--token', TOKEN)).toMatch(/--to URL/)
    expect(await publish(2, '--to', 'http://127.0.0.1:1', '--token', 'short')).toMatch(/16 to 256/)
    await writeFile(at('empty.token'), '')
    const empty = ['--token-file', at('empty.token')]
    expect(await publish(1, '--to', 'http://127.0.0.1:1', ...empty)).toMatch(/holds no token/)
    const key = ['--key', at('keys', 'unused.key')]
    expect(
      await runCommand('publish', release, '--to', 'http://127.0.0.1:1', '--token', TOKEN, ...key),
    ).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/cannot be reached/),
    })
    expect(await refusal(2, 'signaling', '--upload-token-file', at('upload.token'))).toMatch(
      /--data DIR/,
    )
  })
})
