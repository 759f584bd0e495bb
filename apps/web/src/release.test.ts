import { manifestBytes, releaseId } from '@layerswarm/model'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { fetchOffer, fetchSampleFiles } from './release.ts'
import { testManifest } from './test-release.ts'

const SERVER = new URL('http://swarm.test/below/')
const manifest = testManifest('one')
const id = releaseId(manifest)

/** Answers requests from these bodies, 404 otherwise. */
function serve(files: Record<string, string | Uint8Array<ArrayBuffer>>) {
  vi.stubGlobal('fetch', async (url: URL) => {
    const body = files[url.pathname]
    return body === undefined ? new Response('', { status: 404 }) : new Response(body)
  })
}

afterEach(() => {
  vi.unstubAllGlobals()
})

describe('the release that the server offers', () => {
  const bootstrap = JSON.stringify({ releases: [{ id }, { id: 'f'.repeat(64) }] })

  test('is the first of bootstrap.json', async () => {
    serve({
      '/below/bootstrap.json': bootstrap,
      [`/below/releases/${id}/manifest.json`]: new Uint8Array(manifestBytes(manifest)),
    })
    expect(await fetchOffer(SERVER)).toEqual({
      ...{ manifest, invite: undefined, iceServers: [], others: [] },
    })
  })

  test('comes with where to invite others to, who helps to find them, and other servers', async () => {
    const iceServers = [{ urls: 'stun:stun.example' }, { urls: 'https://no.example' }]
    const invite = 'https://192.168.1.5:9000'
    const releases = [{ id }]
    const others = ['https://other.example/', 'other.example', 7]
    serve({
      '/below/bootstrap.json': JSON.stringify({ releases, invite, iceServers, others }),
      [`/below/releases/${id}/manifest.json`]: new Uint8Array(manifestBytes(manifest)),
    })
    expect(await fetchOffer(SERVER)).toEqual({
      ...{ manifest, invite, iceServers: [iceServers[0]], others: [others[0]] },
    })
  })

  test.each([7, 'javascript:alert(1)', `https://${'x'.repeat(3_000)}`])(
    'invites nobody to %s',
    async (invite) => {
      serve({
        '/below/bootstrap.json': JSON.stringify({ releases: [{ id }], invite }),
        [`/below/releases/${id}/manifest.json`]: new Uint8Array(manifestBytes(manifest)),
      })
      expect((await fetchOffer(SERVER)).invite).toBeUndefined()
    },
  )

  test('is refused when its hash is another one than its name', async () => {
    const other = new Uint8Array(manifestBytes(testManifest('two')))
    serve({ '/below/bootstrap.json': bootstrap, [`/below/releases/${id}/manifest.json`]: other })
    await expect(fetchOffer(SERVER)).rejects.toThrow('not the one it names')
  })

  test.each(['{}', 'null', '[]', '{"releases":[]}', '{"releases":[{"id":"../secret"}]}'])(
    'is missing in %s',
    async (text) => {
      serve({ '/below/bootstrap.json': text })
      await expect(fetchOffer(SERVER)).rejects.toThrow('offers no model yet')
    },
  )

  test('is missing in what is no JSON', async () => {
    serve({ '/below/bootstrap.json': '<html>' })
    await expect(fetchOffer(SERVER)).rejects.toThrow('not JSON')
  })
})

test('a server that does not answer is named', async () => {
  vi.stubGlobal('fetch', () => Promise.reject(new TypeError('Failed to fetch')))
  await expect(fetchSampleFiles(SERVER)).rejects.toThrow(`${SERVER} does not answer`)
})

test('a missing file is named with the status', async () => {
  serve({})
  await expect(fetchSampleFiles(SERVER)).rejects.toThrow('404 for samples/images.idx3-ubyte')
})
