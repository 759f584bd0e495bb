import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Ready } from '@layerswarm/signaling'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { LOCAL_HOSTING } from '../line/hosting-options.ts'
import { swarmUrls } from '../line/option.ts'
import { linksOf, makeSwarmKey, readSwarmKey, swarmKeyOf } from './swarm-key.ts'

let dir = ''
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'layerswarm-key-'))
})
afterAll(() => rm(dir, { recursive: true }))

const hosting = (isPrivate: boolean, swarmKeyFile?: string) => ({
  ...LOCAL_HOSTING,
  isPrivate,
  swarmKeyFile,
})

describe('the key of a private swarm', () => {
  test('is none unless it is asked for, and another one for each run without a file', async () => {
    expect(await swarmKeyOf(hosting(false))).toBeUndefined()
    const [one, other] = [await swarmKeyOf(hosting(true)), await swarmKeyOf(hosting(true))]
    expect(one).toMatch(/^[\w-]{43}$/)
    expect(one).not.toBe(other)
  })

  test('is made once in a file that only its owner reads, and read from there later', async () => {
    const file = join(dir, 'below', 'swarm.key')
    const made = await swarmKeyOf(hosting(false, file))
    expect((await readFile(file, 'utf8')).trim()).toBe(made)
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect(await swarmKeyOf(hosting(true, file))).toBe(made)
    expect(await readSwarmKey(file)).toBe(made)
  })

  test.each([
    ['is not there', undefined, 'does not exist'],
    ['is empty', '', 'holds no key of a swarm'],
    ['holds something else', 'not a key of a swarm', 'holds no key of a swarm'],
    ['is too long', 'x'.repeat(1_000), 'at most'],
  ])('in a file that %s is refused in a line that does not show it', async (_, text, words) => {
    const file = join(dir, `wrong-${words.length}-${text?.length ?? 'none'}`)
    if (text !== undefined) await writeFile(file, text)
    const reading = readSwarmKey(file)
    await expect(reading).rejects.toThrow(words)
    if (text) await expect(reading).rejects.not.toThrow(text)
  })

  test('stands in every link that is printed, and in no address of an open swarm', () => {
    const key = makeSwarmKey()
    const ready = {
      url: 'http://127.0.0.1:9000',
      innerUrl: 'http://127.0.0.1:9001',
      publicUrls: ['https://swarm.example/below/'],
    } as unknown as Ready
    expect(linksOf(ready, undefined)).toBe(ready)
    expect(linksOf(ready, key)).toEqual({
      url: `http://127.0.0.1:9000/#key=${key}`,
      innerUrl: `http://127.0.0.1:9001/#key=${key}`,
      publicUrls: [`https://swarm.example/below/#key=${key}`],
    })
  })
})

describe('--join', () => {
  const { read } = swarmUrls()

  test('keeps the key of a link, and nothing else that stands behind an address', () => {
    const hrefs = read(
      ['https://a.example/x/index.html?y=1#key=k', 'https://b.example#about'],
      '--join',
    )
    expect(hrefs.map(({ href }) => href)).toEqual([
      'https://a.example/x/#key=k',
      'https://b.example/',
    ])
  })

  test('complains of an address without showing the key in it', () => {
    const wrong = () => read(['ftp://a.example/#key=secret'], '--join')
    expect(wrong).toThrow('not "ftp://a.example/"')
    expect(wrong).not.toThrow('secret')
  })
})
