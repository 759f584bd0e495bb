import { readFileSync } from 'node:fs'
import { manifestBytes, parseManifest, releaseId, verifyManifest } from '@layerswarm/model'
import { describe, expect, test } from 'vitest'

/** The names under which swarms know the releases of `models/`. A change would cut everybody off. */
const IDS: Readonly<Record<string, string>> = {
  'fashion-vit': 'e3df2c1d8b58b32523e99dad1b7fafa9286c250ec9bf9cfbb428f8d08a92d4df',
  'fashion-vit-rounds': '915c6b697b18f7b4b62199586533f8aae8ecedd0fb5de7492d979ae5b229a96d',
  'fashion-vit-rounds-2': '309a3b7c0ecccc61d34e7b6b293717e59a47ae626b300c3c20861f7c3828219d',
  'fashion-vit-position': 'a6b5a2454d903d2d68a3fddacafd741063fca837cceb5660e3313003d2687718',
  'fashion-vit-sequential': 'cb37bbce2cd1c444672af66821aebed16cc1fe46ccab14feb48d8dfce8afe890',
  'fashion-vit-small': 'cc955326779fe30ac1baa5dee36d48655b0e7f001e766eee89ae15bb57ec709f',
}

describe('a release that ships', () => {
  test.each(Object.entries(IDS))('%s keeps its id, its bytes and its signature', (name, id) => {
    const bytes = readFileSync(new URL(`../../models/${name}/manifest.json`, import.meta.url))
    const manifest = parseManifest(new Uint8Array(bytes))
    expect(releaseId(manifest)).toBe(id)
    expect(Buffer.from(manifestBytes(manifest)).equals(bytes)).toBe(true)
    expect(() => verifyManifest(manifest)).not.toThrow()
  })
})
