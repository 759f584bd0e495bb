import { describe, expect, test } from 'vitest'
import {
  keyInLink,
  linkWithKey,
  parseSwarmKey,
  type SwarmKey,
  swarmId,
  swarmPrologue,
  withoutKey,
} from './swarm-key.ts'

const KEY = 'Kk3yXo-_0123456789abcdefghijklmnopqrstuvwxy' as SwarmKey
const OTHER = `${KEY.slice(0, -1)}z` as SwarmKey

describe('the key of a private swarm', () => {
  test('is 43 letters of base64url and nothing else', () => {
    expect(parseSwarmKey(KEY)).toBe(KEY)
    for (const wrong of [KEY.slice(1), `${KEY}A`, `${KEY}\n`, KEY.replace('-', '+'), '', 7, null])
      expect(parseSwarmKey(wrong)).toBeUndefined()
  })

  test('gives a prologue and an id that differ with it, and neither tells the other or the key', () => {
    const [one, other] = [swarmPrologue(KEY), swarmPrologue(OTHER)]
    expect(one).not.toEqual(other)
    expect(swarmId(KEY)).not.toBe(swarmId(OTHER))
    const text = String.fromCharCode(...one)
    expect(text).not.toContain(KEY)
    expect(text).not.toContain(swarmId(KEY))
  })

  test('leaves the handshake of a swarm that is open to all as it is', () => {
    expect(swarmPrologue(undefined)).toHaveLength(0)
  })

  test.each([
    ['http://127.0.0.1:9000', 'http://127.0.0.1:9000/'],
    ['https://swarm.example/', 'https://swarm.example/'],
    ['https://swarm.example/below/', 'https://swarm.example/below/'],
    ['https://pages.example/?join=x', 'https://pages.example/?join=x'],
  ])('stands in the fragment of %s, and is found there', (url, place) => {
    const link = linkWithKey(url, KEY)
    expect(link).toBe(`${place}#key=${KEY}`)
    expect(keyInLink(link)).toBe(KEY)
    expect(withoutKey(link)).toBe(place)
  })

  test('is missed in a link without one, and handed on as it stands where it is wrong', () => {
    expect(keyInLink('https://swarm.example/#about')).toBeUndefined()
    expect(keyInLink('https://swarm.example/#key=short')).toBe('short')
  })
})
