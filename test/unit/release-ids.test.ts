import { readFileSync } from 'node:fs'
import { manifestBytes, parseManifest, releaseId, verifyManifest } from '@layerswarm/model'
import { describe, expect, test } from 'vitest'

/** The names under which swarms know the releases of `models/`. A change would cut everybody off. */
const IDS: Readonly<Record<string, string>> = {
  'fashion-vit': '5707c195793087b3aec7e1cdd4ca9860ca6c588ec6a02fe9286ca5162ce6ab47',
  'fashion-vit-rounds': '915c6b697b18f7b4b62199586533f8aae8ecedd0fb5de7492d979ae5b229a96d',
  'fashion-vit-rounds-2': '309a3b7c0ecccc61d34e7b6b293717e59a47ae626b300c3c20861f7c3828219d',
  'fashion-vit-position': '73659e67a84dcd5f6c6fc1733a9fa2ad660413566f75d43e655a96e98b0a8b17',
  'fashion-vit-sequential': '2c8b89feaff7a2c108f494cfdc60beac015ebfb27440d3043bd1c77db37a69b7',
  'fashion-vit-small': '59f074339b43546b3299c09f4ce513feabc7ba78e9db9438e87025531d62a4c1',
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
