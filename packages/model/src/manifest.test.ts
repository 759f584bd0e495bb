import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ModelError } from './errors.ts'
import { checkSha256, parseSha256, sha256 } from './hash.ts'
import {
  MANIFEST_FORMAT,
  manifestBytes,
  parseManifest,
  publisherOf,
  releaseId,
  signManifest,
  type UnsignedManifest,
  verifyManifest,
} from './manifest.ts'
import { randomModel } from './random-model.ts'
import { parseModelSpec } from './spec.ts'
import { utf8Decode, utf8Encode } from './text.ts'

const key = Uint8Array.from({ length: 32 }, (_, i) => i + 1)
const spec = parseModelSpec({
  variant: 'shuffle',
  imageSize: 8,
  patchSize: 4,
  channels: 1,
  width: 8,
  layers: 2,
  heads: 2,
  mlpWidth: 12,
  classes: 3,
  layerNormEps: 1e-6,
})
const unsigned: UnsignedManifest = {
  format: MANIFEST_FORMAT,
  name: 'tiny-1',
  spec,
  preprocessing: { size: 8, channels: 1, mean: [0.5], std: [0.25], foreground: 'light' },
  labels: ['Hemd', 'Schuh', 'Tasche ✓'],
  parts: [...randomModel(spec, 1)].map(([part, file]) => ({
    part,
    sha256: sha256(file),
    bytes: file.length,
    dtype: 'float32',
  })),
  training: {
    recipe: sha256(utf8Encode('recipe')),
    seed: 7,
    images: 128_000,
    createdAt: '2026-11-23T20:21:00Z',
    report: sha256(utf8Encode('report')),
  },
}
const manifest = signManifest(unsigned, key)

describe('a hash', () => {
  test('is the SHA-256 of FIPS 180-2', () => {
    expect(sha256(utf8Encode('abc'))).toBe(
      'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    )
  })

  test('is 64 lower-case hex digits and nothing else', () => {
    const good = sha256(new Uint8Array())
    expect(parseSha256(good)).toBe(good)
    for (const bad of [good.toUpperCase(), good.slice(1), `${good}0`, `${good}\n`, 7, null]) {
      expect(() => parseSha256(bad)).toThrow(ModelError)
    }
  })

  test('that does not match names both', () => {
    const expected = sha256(utf8Encode('a'))
    expect(() => checkSha256(utf8Encode('b'), expected, 'layer 3')).toThrow(
      `layer 3 has hash ${sha256(utf8Encode('b'))}, not ${expected}`,
    )
    checkSha256(utf8Encode('a'), expected, 'layer 3')
  })
})

describe('a manifest', () => {
  test('is the same after being stored and parsed, and so is its id', () => {
    const parsed = parseManifest(manifestBytes(manifest))
    expect(parsed).toEqual(manifest)
    expect(releaseId(parsed)).toBe(releaseId(manifest))
    expect(manifest.publisher).toBe(publisherOf(key))
    verifyManifest(parsed)
  })

  test('names what was measured of its groupings, under the same signature', () => {
    const rounds = { '1+1': 0.9149, '2': 0.8604 }
    const measured = signManifest({ ...unsigned, rounds }, key)
    const parsed = parseManifest(manifestBytes(measured))
    expect(parsed.rounds).toEqual(rounds)
    verifyManifest(parsed)
    expect(releaseId(parsed)).not.toBe(releaseId(manifest))
    for (const forged of [{ rounds: { ...rounds, '2': 0.9149 } }, { rounds: undefined }]) {
      const { rounds: claimed, ...rest } = { ...measured, ...forged }
      const other = claimed === undefined ? rest : { ...rest, rounds: claimed }
      expect(() => verifyManifest(parseManifest(other))).toThrow('do not run this release')
    }
  })

  test('of a release whose groupings nobody measured says nothing of them', () => {
    expect(parseManifest(manifestBytes(manifest))).not.toHaveProperty('rounds')
  })

  test('keeps its id whatever the order of its fields', () => {
    const shuffled = Object.fromEntries(Object.entries(manifest).toReversed())
    expect(releaseId(parseManifest(shuffled))).toBe(releaseId(manifest))
  })

  test('that anyone changed after signing is refused', () => {
    const other = signManifest(
      unsigned,
      key.map((byte) => byte ^ 1),
    )
    for (const forged of [
      { ...manifest, name: 'tiny-2' },
      { ...manifest, training: { ...manifest.training, seed: 8 } },
      { ...manifest, publisher: other.publisher },
      { ...manifest, publisher: 'f'.repeat(64) },
      { ...manifest, signature: other.signature },
    ]) {
      expect(() => verifyManifest(parseManifest(forged))).toThrow(ModelError)
      expect(() => verifyManifest(parseManifest(forged))).toThrow('do not run this release')
    }
  })

  test('cannot be signed while it is wrong', () => {
    expect(() => signManifest({ ...unsigned, labels: ['one'] }, key)).toThrow('"labels"')
    const halves = { ...unsigned, labels: ['a', 'b', '\udc00'] }
    expect(() => signManifest(halves, key)).toThrow('"labels.2" holds half a surrogate pair')
  })
})

describe('a wrong manifest', () => {
  const { preprocessing, parts, training } = manifest
  const first = { ...parts[0] }
  test.each([
    ['format', { ...manifest, format: 'layerswarm-release/9' }],
    ['name', { ...manifest, name: '../etc' }],
    ['manifest', { ...manifest, note: 'unsigned' }],
    ['manifest', 7],
    ['preprocessing.size', { ...manifest, preprocessing: { ...preprocessing, size: 28 } }],
    ['preprocessing.std', { ...manifest, preprocessing: { ...preprocessing, std: [0] } }],
    ['preprocessing.mean', { ...manifest, preprocessing: { ...preprocessing, mean: [] } }],
    [
      'preprocessing.foreground',
      { ...manifest, preprocessing: { ...preprocessing, foreground: 1 } },
    ],
    ['preprocessing', { ...manifest, preprocessing: null }],
    ['labels', { ...manifest, labels: ['a', 'b'] }],
    ['labels.1', { ...manifest, labels: ['a', '', 'c'] }],
    ['labels.2', { ...manifest, labels: ['a', '😀', '\ud83d'] }],
    ['labels.0', { ...manifest, labels: ['a\nb', 'b', 'c'] }],
    ['labels.1', { ...manifest, labels: ['a', '\u009b31m', 'c'] }],
    ['parts', { ...manifest, parts: parts.slice(1) }],
    ['parts.0.part', { ...manifest, parts: parts.toReversed() }],
    ['parts.0', { ...manifest, parts: [7, ...parts.slice(1)] }],
    ['parts.0.bytes', { ...manifest, parts: [{ ...first, bytes: 2 ** 40 }, ...parts.slice(1)] }],
    ['parts.0.sha256', { ...manifest, parts: [{ ...first, sha256: 'x' }, ...parts.slice(1)] }],
    ['parts.0.dtype', { ...manifest, parts: [{ ...first, dtype: 'int4' }, ...parts.slice(1)] }],
    ['training.createdAt', { ...manifest, training: { ...training, createdAt: 'today' } }],
    ['training.images', { ...manifest, training: { ...training, images: -1 } }],
    ['rounds', { ...manifest, rounds: {} }],
    ['rounds', { ...manifest, rounds: null }],
    ['rounds', { ...manifest, rounds: [['2', 0.5]] }],
    ['rounds', { ...manifest, rounds: { '2+1': 0.5 } }],
    ['rounds', { ...manifest, rounds: { '02': 0.5 } }],
    ['rounds', { ...manifest, rounds: { '1+1 ': 0.5 } }],
    ['rounds', { ...manifest, rounds: { ['1+'.repeat(500)]: 0.5 } }],
    ['rounds.2', { ...manifest, rounds: { '2': 1.01 } }],
    ['rounds.2', { ...manifest, rounds: { '1+1': 0.9, '2': '0.5' } }],
    ['publisher', { ...manifest, publisher: manifest.publisher.toUpperCase() }],
    ['signature', { ...manifest, signature: 'ab' }],
  ])('is refused by the name of its field: %s', (field, wrong) => {
    let caught: unknown
    try {
      parseManifest(wrong)
    } catch (error) {
      caught = error
    }
    expect(caught).toMatchObject({ fault: { code: 'bad-manifest', field } })
    expect(String(caught)).toContain(`"${field}"`)
    expect(String(caught)).not.toContain('\n')
  })

  test.each([
    ['version https://git-lfs.github.com/spec/v1\noid sha256:00\n', /it is a Git LFS pointer/],
    ['<!doctype html><html></html>', /it is a web page, not the file/],
    ['{"format":', /it may be cut off; copy it again$/],
    ['', /it may be cut off/],
  ])('that is no JSON is called what it is: %s', (text, what) => {
    expect(() => parseManifest(utf8Encode(text))).toThrow(/^manifest\.json is not JSON: it /)
    expect(() => parseManifest(utf8Encode(text))).toThrow(what)
    expect(() => parseManifest(utf8Encode(text))).toThrow(ModelError)
  })

  test('of a wrong spec is refused by the spec', () => {
    expect(() => parseManifest({ ...manifest, spec: { ...spec, heads: 3 } })).toThrow(
      '"heads" must divide "width", and 3 does not divide 8',
    )
  })

  test('of any changed character is parsed or refused with a ModelError, and never verified', () => {
    const text = utf8Decode(manifestBytes(manifest))
    const character = fc.constantFrom(...'0123456789abcdef{}[]",: ')
    fc.assert(
      fc.property(fc.nat(text.length - 1), character, (at, replacement) => {
        fc.pre(text[at] !== replacement)
        const changed = utf8Encode(text.slice(0, at) + replacement + text.slice(at + 1))
        let verified = false
        try {
          verifyManifest(parseManifest(changed))
          verified = true
        } catch (error) {
          expect(error).toBeInstanceOf(ModelError)
        }
        expect(verified).toBe(false)
      }),
      { numRuns: 200 },
    )
  })
})
